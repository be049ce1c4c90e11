import type {Optimizer} from '../binding.js';
import {loadBinding} from './binding.js';
import {type Position, writeModel, writeTrainingState} from './checkpoint.js';
import {toNativeOptimizer} from './complete-train-options.js';
import type {Sample} from './datasets/sample.js';
import {MaskRcnnError} from './errors.js';
import {type Evaluation, evaluate} from './evaluate.js';
import {type EpochRecord, type History, type StepRecord, totalLoss} from './history.js';
import type {Loader} from './loader.js';
import {type MaskRcnn, openModel} from './model.js';
import {native} from './native-errors.js';
import type {RunFolder} from './run-folder.js';
import {learningRate, type Schedule} from './schedule.js';
import {toNativeImage, toNativeTarget} from './targets.js';
import type {TrainLog} from './train-log.js';
import type {ResolvedTrainOptions, TrainOptions} from './train-options.js';
import type {StateDict} from './weights/state-dict.js';

/** Short epochs do not each save `last`: a state with AdamW's moments is four times the weights. */
const LARGEST_SAVING_SHARE = 0.05;

/** What a run works with and writes to. */
export type TrainerParts = {
  model: MaskRcnn;
  given: TrainOptions;
  options: ResolvedTrainOptions;
  loader: Loader;
  folder: RunFolder;
  log: TrainLog;
};

/** One training run, from its first step to its last. */
export class Trainer {
  readonly history: History = {steps: [], epochs: []};
  readonly #parts: TrainerParts;
  readonly #optimizer: Optimizer;
  readonly #schedule: Schedule;
  /** When `last` was saved, and how long that took, in milliseconds. */
  #saved: {at: number; took: number} | undefined;
  readonly #position: Position = {step: 0, epoch: 0, batch: 0, bestScore: null};

  static async create(parts: TrainerParts): Promise<Trainer> {
    const {model, options} = parts;
    const binding = await loadBinding();
    const nativeModel = openModel(model);
    const optimizer = await native(
      () => new binding.Optimizer(nativeModel, toNativeOptimizer(options.optimizer, nativeModel.parameters())),
    );
    await native(() => nativeModel.seed(options.seed));
    return new Trainer(parts, optimizer);
  }

  private constructor(parts: TrainerParts, optimizer: Optimizer) {
    const {lr, schedule, warmup, epochs} = parts.options;
    const stepsPerEpoch = parts.loader.length;
    this.#parts = parts;
    this.#optimizer = optimizer;
    this.#schedule = {
      lr,
      decay: schedule,
      warmupSteps: warmup,
      warmupFactor: 0.001,
      stepsPerEpoch,
      totalSteps: epochs * stepsPerEpoch,
    };
  }

  /** Runs every epoch. After an abort `last` is saved before the signal's reason is thrown. */
  async run(): Promise<void> {
    const {
      given: {signal},
      options,
    } = this.#parts;
    try {
      while (this.#position.epoch < options.epochs) await this.#runEpoch();
    } catch (error) {
      if (signal?.aborted && error === signal.reason) await this.#saveLast(await this.#parts.model.stateDict());
      throw error;
    }
  }

  async #runEpoch(): Promise<void> {
    const {
      given: {signal},
      options,
      loader,
    } = this.#parts;
    const {epoch} = this.#position;
    const began = performance.now();
    let stepBegan = began;
    let sum = 0;
    for await (const {samples, waitMs} of loader.epoch(epoch, {startBatch: this.#position.batch})) {
      const record = await this.#step(samples, {began: stepBegan, waitMs});
      stepBegan = performance.now();
      sum += record.loss;
      await this.#keepStep(record);
      signal?.throwIfAborted();
    }

    const isDue = (epoch + 1) % options.evaluateEvery === 0 || epoch + 1 === options.epochs;
    const validation = isDue ? await this.#evaluate(epoch) : null;
    const record: EpochRecord = {
      epoch,
      loss: sum / loader.length,
      seconds: (performance.now() - began) / 1000,
      validation,
    };
    Object.assign(this.#position, {epoch: epoch + 1, batch: 0});
    await this.#saveEpoch(record);
    await this.#keepEpoch(record);
  }

  /** One optimiser step. Gradients are whole between the losses and the optimiser: there several machines would add theirs. */
  async #step(samples: Sample[], {began, waitMs}: {began: number; waitMs: number}): Promise<StepRecord> {
    const {
      model,
      options: {clipNorm},
    } = this.#parts;
    const {step, epoch} = this.#position;
    const images = samples.map(toNativeImage);
    const targets = samples.map((sample) => toNativeTarget(sample, model.classes));
    const losses = await native(() => openModel(model).computeLosses(images, targets, {backward: true, lossScale: 1}));
    const lr = learningRate(this.#schedule, step);
    const loss = totalLoss(losses);
    if (!Number.isFinite(loss)) {
      await native(() => this.#optimizer.zeroGrad());
      throw nonFinite('losses', Object.entries(losses), {step, lr, samples});
    }
    const gradientNorm = await native(() => this.#optimizer.step({lr, clipNorm}));
    if (!Number.isFinite(gradientNorm)) {
      throw nonFinite('gradients', [['norm', gradientNorm], ...Object.entries(losses)], {step, lr, samples});
    }
    this.#position.step++;
    this.#position.batch++;
    const seconds = (performance.now() - began) / 1000;
    return {step, epoch, lr, loss, losses, gradientNorm, seconds, dataSeconds: waitMs / 1000};
  }

  async #evaluate(epoch: number): Promise<Evaluation | null> {
    const {model, given, log} = this.#parts;
    const {validation: data, signal} = given;
    if (data === undefined) return null;
    const onImage = (done: number) => log.evaluating(epoch, done, data.length);
    return evaluate(model, {data, onImage, ...(signal && {signal})});
  }

  /**
   * Saves `best` if the epoch was better than those before, by pixel IoU, or by loss without validation data; and `last`
   * unless that would take too large a share of the time.
   */
  async #saveEpoch({loss, validation}: EpochRecord): Promise<void> {
    const {given, options, folder, model} = this.#parts;
    const {epoch, bestScore} = this.#position;
    const isLastDue = epoch === options.epochs || !this.#isSavedLately();
    const lossScore = isLastDue ? -loss : null;
    const score = given.validation === undefined ? lossScore : (validation?.pixel.mean.iou ?? null);
    const isBest = score !== null && (bestScore === null || score > bestScore);
    if (!isBest && !isLastDue) return;
    const tensors = await model.stateDict();
    if (isBest) {
      this.#position.bestScore = score;
      await writeModel(folder.best, tensors, model);
    }
    if (isLastDue) await this.#saveLast(tensors);
  }

  #isSavedLately(): boolean {
    if (this.#saved === undefined) return false;
    return (performance.now() - this.#saved.at) * LARGEST_SAVING_SHARE < this.#saved.took;
  }

  async #saveLast(tensors: StateDict): Promise<void> {
    const {model, options, folder} = this.#parts;
    const began = performance.now();
    const state = {
      model: tensors,
      optimizer: await native(() => this.#optimizer.stateDict()),
      samplers: await native(() => openModel(model).randomState()),
      position: this.#position,
      options,
    };
    await writeTrainingState(folder.state, state, model);
    await writeModel(folder.last, tensors, model);
    const at = performance.now();
    this.#saved = {at, took: at - began};
  }

  async #keepStep(record: StepRecord): Promise<void> {
    this.history.steps.push(record);
    await this.#parts.folder.append({type: 'step', ...record});
    this.#parts.log.step(record);
    this.#parts.given.onStep?.(record);
  }

  async #keepEpoch(record: EpochRecord): Promise<void> {
    this.history.epochs.push(record);
    await this.#parts.folder.append({type: 'epoch', ...record});
    await this.#parts.folder.writeCurves(this.history);
    this.#parts.log.epoch(record);
    this.#parts.given.onEpoch?.(record);
  }
}

function nonFinite(
  what: 'losses' | 'gradients',
  values: [name: string, value: number][],
  {step, lr, samples}: {step: number; lr: number; samples: readonly Sample[]},
): MaskRcnnError {
  const files = samples.map(({file}) => file);
  return new MaskRcnnError(
    'NON_FINITE_LOSS',
    `The ${what} of step ${step} at rate ${lr} must be finite, got ${values.map(([name, value]) => `${name} ${value}`).join(', ')} ` +
      `on ${files.join(', ')}.`,
    {
      hint: 'Lower lr, lengthen warmup or lower clipNorm, and look at these images. The checkpoints are from before it.',
      ...(files.length === 1 && {file: files[0]!}),
    },
  );
}
