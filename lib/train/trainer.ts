import type {Optimizer} from '../../binding.js';
import {loadBinding} from '../addon/binding.js';
import {gpuIndex} from '../addon/device.js';
import {native} from '../addon/native-errors.js';
import {MaskRcnnError} from '../basics/errors.js';
import {distributedOptions} from '../distributed/options.js';
import type {Comparison} from '../draw/mosaic.js';
import {type EvaluateOptions, evaluateIn} from '../evaluation/evaluate.js';
import type {Evaluation} from '../evaluation/evaluation.js';
import {noticesOf} from '../image/notices.js';
import {openModel} from '../model/model.js';
import {type EpochRecord, type History, meanLoss, type StepRecord, totalLoss} from '../run/history.js';
import {MovingAverage} from './average.js';
import {GradientStep} from './gradient-step.js';
import type {Batch} from './loader.js';
import {FIRST_LOSS_SCALE, nextLossScale} from './loss-scale.js';
import {mayCheckpoint} from './memory.js';
import {toNativeOptimizer} from './parameter-groups.js';
import {Saver} from './saver.js';
import {learningRate, placeInRun, type Schedule} from './schedule.js';
import {judge} from './standing.js';
import {type Position, START} from './state.js';
import type {TrainerParts} from './trainer-parts.js';

/** Number of steps whose images are drawn, and number of validation images that are drawn. */
const DRAWN_STEPS = 3;
const DRAWN_IMAGES = 8;

/** What ended a run: all epochs are done, or `patience` or `limitHours` applied. */
export type Ending = 'epochs' | 'patience' | 'limitHours';

/** One training run, from its first step, or from where it was interrupted, to its last step. */
export class Trainer {
  readonly history: History;
  readonly #parts: TrainerParts;
  readonly #optimizer: Optimizer;
  readonly #average: MovingAverage;
  readonly #schedule: Schedule;
  readonly #position: Position;
  /** Undefined in a process that writes nothing. */
  readonly #saver: Saver | undefined;
  /** When the run would have started without interruptions, in milliseconds. */
  readonly #began: number;
  /** The first step of the current epoch, counted over the whole run. Epochs may differ in length. */
  #firstStep: number;
  /** Whether an aborted signal has ended the run, of this process or of another one. */
  #isInterrupted = false;

  static async create(parts: TrainerParts): Promise<Trainer> {
    const {model, given, options, state, group} = parts;
    const binding = await loadBinding();
    const own = openModel(model);
    // The others get the weights from rank 0.
    if (state !== undefined && (group?.isFirst ?? true)) {
      await native(() => own.loadStateDict([...state.model.values()]));
    }
    const {gradients: wire = 'float32'} = distributedOptions(given.distributed);
    if (group !== undefined) await native(() => own.join(group.native, {wire, syncBatchNorm: options.syncBatchNorm}));
    await native(() => own.setActivationCheckpointing(options.activationCheckpointing));
    const optimizer = await native(() => new binding.Optimizer(own, toNativeOptimizer(options, own.parameters())));
    if (state !== undefined) await native(() => optimizer.loadStateDict([...state.optimizer]));
    return new Trainer(parts, optimizer);
  }

  private constructor(parts: TrainerParts, optimizer: Optimizer) {
    const {model, options, loader, state, folder, history} = parts;
    const {lr, schedule, warmup, epochs, accumulate, ema} = options;
    const stepsPerEpoch = Math.ceil(loader.length / accumulate);
    this.history = history;
    this.#parts = parts;
    this.#optimizer = optimizer;
    this.#average = new MovingAverage(optimizer, ema);
    this.#schedule = {
      lr,
      decay: schedule,
      warmupSteps: warmup,
      warmupFactor: 0.001,
      stepsPerEpoch,
      totalSteps: epochs * stepsPerEpoch,
    };
    this.#position = {...(state?.position ?? START)};
    this.#firstStep = this.#position.step - Math.ceil(this.#position.batch / accumulate);
    if (model.options.precision === 'float16') this.#position.lossScale ??= FIRST_LOSS_SCALE;
    else delete this.#position.lossScale;
    this.#began = performance.now() - this.#position.seconds * 1000;
    if (folder === undefined) return;
    const [average, position, began] = [this.#average, this.#position, this.#began];
    this.#saver = new Saver({parts, folder, optimizer, average, position, began});
  }

  /**
   * Runs to the end. If the signal is aborted, of this process or of another one of the group, it saves the state
   * before throwing the signal's reason. In any case, the model ends up with the weights to use, which are the averages
   * if `ema` is on.
   */
  async run(): Promise<Ending> {
    const {signal} = this.#parts.given;
    try {
      // A run that has ended and is resumed must not go on.
      let ending: Ending | undefined = this.#endingByCourse();
      while (ending === undefined) ending = await this.#runEpoch();
      return ending;
    } catch (error) {
      if (this.#isInterrupted || (signal?.aborted && error === signal.reason)) await this.#saver?.saveLast();
      // A launcher ends all processes when the first has ended, so none may end before rank 0 has saved.
      if (this.#isInterrupted) await this.#parts.group?.meet();
      throw error;
    } finally {
      await this.#average.swap();
      // A model that has been disposed has left.
      if (this.#parts.group !== undefined) await native(() => openModel(this.#parts.model).leave()).catch(() => {});
    }
  }

  /**
   * Runs the rest of an epoch with its evaluation and checkpoints. Resolves to the reason for ending the run, if there
   * is one.
   */
  async #runEpoch(): Promise<Ending | undefined> {
    const {options} = this.#parts;
    const {epoch} = this.#position;
    const began = performance.now();
    const isWhole = await this.#runSteps();
    const isDue = (epoch + 1) % options.evaluateEvery === 0 || epoch + 1 === options.epochs || !isWhole;
    const gpu = gpuIndex(this.#parts.model.options.device);
    const stepsEnded = performance.now();
    const validation = isDue ? await this.#average.during(() => this.#evaluate(epoch)) : null;
    const record: EpochRecord = {
      epoch,
      loss: meanLoss(this.history, epoch),
      seconds: (performance.now() - began) / 1000,
      validation,
      ...(validation !== null && {validationSeconds: (performance.now() - stepsEnded) / 1000}),
      ...(gpu !== undefined && {gpuMemory: (await loadBinding()).gpuMemory(gpu)}),
      ...(!isWhole && {cut: true}),
    };
    // An epoch that was cut short continues when the run resumes.
    if (isWhole) {
      const step = this.#firstStep + this.#stepsOf(epoch);
      Object.assign(this.#position, {epoch: epoch + 1, batch: 0, step});
      this.#firstStep = step;
    }
    this.history.epochs.push(record);
    await this.#parts.folder?.append({type: 'epoch', ...record});
    const {standing, isBest} = judge(this.#position, record, options.bestBy);
    Object.assign(this.#position, standing);
    const ending = this.#endingByCourse() ?? ((await this.#decide()).isLate ? 'limitHours' : undefined);
    await this.#saver?.saveEpoch(epoch, {isBest, isEnd: ending !== undefined});
    await this.#parts.folder?.writeCurves(this.history);
    this.#parts.log.epoch(record);
    this.#parts.given.onEpoch?.(record);
    return ending;
  }

  /** Runs the steps of an epoch until its end or `limitHours`. Resolves to whether the epoch is whole. */
  async #runSteps(): Promise<boolean> {
    const {options, loader} = this.#parts;
    const {accumulate} = options;
    const {epoch, batch: startBatch} = this.#position;
    const length = loader.lengthOf(epoch);
    let pending: PendingStep | undefined;
    let began = performance.now();
    const take = async (ready: PendingStep) => {
      pending = undefined;
      // In a group, also a batch of which no process could read an image gets here.
      if (!ready.step.hasImages) return true;
      const record = await this.#takeStep(ready, began);
      began = performance.now();
      await this.#keepStep(record);
      const {isAborted, isLate} = await this.#decide();
      if (isAborted) throw this.#interruption();
      if (this.#position.batch === length) return true;
      if (isLate) return false;
      if (this.#isSaveDue()) await this.#saver?.saveLast();
      return true;
    };
    for await (const batch of loader.epoch(epoch, {startBatch})) {
      const end = Math.min((Math.floor(batch.batch / accumulate) + 1) * accumulate, length);
      // The last batch of a step may have had no readable image.
      if (pending !== undefined && pending.end !== end && !(await take(pending))) return false;
      pending ??= {
        step: this.#newStep(),
        end,
        waitMs: 0,
      };
      await this.#addBatch(pending, batch);
      if (batch.batch + 1 === end && !(await take(pending))) return false;
    }
    return pending === undefined || take(pending);
  }

  #newStep(): GradientStep {
    const {model, options, group} = this.#parts;
    const {lossScale} = this.#position;
    return new GradientStep(model, this.#optimizer, {lossScale, group, mayCheckpoint: mayCheckpoint(model, options)});
  }

  async #addBatch(pending: PendingStep, {samples, seeds, batch, waitMs}: Batch): Promise<void> {
    const {folder, options} = this.#parts;
    const {step} = this.#position;
    if (step < DRAWN_STEPS && batch % options.accumulate === 0) await folder?.drawBatch(step, samples);
    pending.waitMs += waitMs;
    await pending.step.add({samples, seeds}, {isLast: batch + 1 === pending.end});
  }

  async #takeStep({step: gradients, end, waitMs}: PendingStep, began: number): Promise<StepRecord> {
    const {options, log} = this.#parts;
    const {step, epoch, lossScale} = this.#position;
    const steps = this.#stepsOf(epoch);
    const lr = learningRate(
      this.#schedule,
      step,
      placeInRun(this.#schedule, {epoch, step: step - this.#firstStep, steps}),
    );
    let outcome = {losses: gradients.losses, gradientNorm: Number.NaN};
    try {
      outcome = await gradients.take({step, lr, clipNorm: options.clipNorm});
      const isTaken = Number.isFinite(outcome.gradientNorm);
      if (isTaken) await this.#average.update(step);
      if (lossScale) this.#position.lossScale = nextLossScale(lossScale, isTaken);
    } catch (error) {
      if (!(error instanceof MaskRcnnError) || error.code !== 'NON_FINITE_LOSS') throw error;
      if (++this.#position.nonFinite > options.skipNonFinite) throw error;
      log.say(`Step left out, ${this.#position.nonFinite} of at most ${options.skipNonFinite}: ${error.message}`);
    }
    // Derived from the batch, because steps whose batches have no readable image do not occur.
    this.#position.step = this.#firstStep + Math.ceil(end / options.accumulate);
    this.#position.batch = end;
    const loss = totalLoss(outcome.losses);
    const seconds = (performance.now() - began) / 1000;
    const scale = lossScale && {lossScale: lossScale.factor};
    return {step, epoch, lr, loss, ...outcome, ...scale, seconds, dataSeconds: waitMs / 1000, ...gradients.waits};
  }

  async #evaluate(epoch: number): Promise<Evaluation | null> {
    const {model, given, options, folder, log, tellFiles, group} = this.#parts;
    const {validation: data, signal} = given;
    if (data === undefined) return null;
    const pictures: Comparison[] = [];
    const how: EvaluateOptions = {
      data,
      scoreThreshold: options.scoreThreshold,
      onImage: (done) => log.evaluating(epoch, done, data.length),
      onDetections: (sample, detections) => {
        tellFiles(noticesOf(sample));
        if (pictures.length < DRAWN_IMAGES) pictures.push({sample, detections});
      },
      ...(signal && {signal}),
    };
    const {details: _, ...scores} = await evaluateIn(group, model, how, () => this.#requireGoingOn());
    await folder?.drawValidation(epoch, pictures);
    return scores;
  }

  /** Why the run ends after the epochs so far; undefined if it goes on. */
  #endingByCourse(): Exclude<Ending, 'limitHours'> | undefined {
    const {epochs, patience} = this.#parts.options;
    const {epoch, sinceBest} = this.#position;
    if (epoch === epochs) return 'epochs';
    return patience !== null && sinceBest >= patience ? 'patience' : undefined;
  }

  /** Number of steps in an epoch, if all its batches have readable images. */
  #stepsOf(epoch: number): number {
    const {loader, options} = this.#parts;
    return Math.ceil(loader.lengthOf(epoch) / options.accumulate);
  }

  /** What ends the run after a step. All processes of a group decide the same: each has its own clock and signal. */
  async #decide(): Promise<{isAborted: boolean; isLate: boolean}> {
    const {
      given: {signal},
      options: {limitHours},
      group,
    } = this.#parts;
    const isLate = limitHours !== null && performance.now() - this.#began >= limitHours * 3_600_000;
    const own = {isAborted: signal?.aborted ?? false, isLate};
    return group === undefined ? own : group.any(own);
  }

  async #requireGoingOn(): Promise<void> {
    if ((await this.#decide()).isAborted) throw this.#interruption();
  }

  #interruption(): unknown {
    this.#isInterrupted = true;
    const {signal} = this.#parts.given;
    if (signal?.aborted) return signal.reason;
    return new MaskRcnnError('GROUP_FAILED', 'The run was interrupted in another process of the group, and is saved.');
  }

  #isSaveDue(): boolean {
    const {saveEveryMinutes} = this.#parts.options;
    if (this.#saver === undefined || saveEveryMinutes === null) return false;
    return this.#saver.sinceLast > saveEveryMinutes * 60_000;
  }

  async #keepStep(record: StepRecord): Promise<void> {
    this.history.steps.push(record);
    await this.#parts.folder?.append({type: 'step', ...record});
    this.#parts.log.step(record, {
      done: record.step - this.#firstStep + 1,
      total: this.#stepsOf(record.epoch),
    });
    this.#parts.given.onStep?.(record);
  }
}

/** The batches collected for a step. `end` is the batch after the step's last batch. */
type PendingStep = {step: GradientStep; end: number; waitMs: number};
