import type {Losses, Optimizer} from '../../binding.js';
import {native} from '../addon/native-errors.js';
import {MaskRcnnError} from '../basics/errors.js';
import {count} from '../basics/wording.js';
import type {Sample} from '../datasets/dataset.js';
import {toNativeImage, toNativeTarget} from '../datasets/targets.js';
import type {ProcessGroup} from '../distributed/process-group.js';
import {type MaskRcnn, openModel} from '../model/model.js';
import {totalLoss} from '../run/history.js';
import type {Batch} from './loader.js';
import {type LossScale, mayOverflow} from './loss-scale.js';

export type StepOutcome = {
  /** Losses, averaged over the batches. */
  losses: Losses;
  /**
   * L2 norm of all gradients before clipping. Not finite if they overflowed due to the loss scale; the step was then
   * skipped.
   */
  gradientNorm: number;
};

/** One optimizer step: accumulates the gradients of one or more batches and applies their mean. */
export class GradientStep {
  readonly #model: MaskRcnn;
  readonly #optimizer: Optimizer;
  readonly #lossScale: LossScale | undefined;
  readonly #group: ProcessGroup | undefined;
  readonly #mayCheckpoint: boolean;
  readonly #losses: Losses[] = [];
  readonly #files: string[] = [];
  readonly #waits = {waitSeconds: 0, sumSeconds: 0};

  /**
   * With `group`, the batches are divided among its processes. `mayCheckpoint`: whether activation checkpointing is a
   * way out if memory runs out.
   */
  constructor(
    model: MaskRcnn,
    optimizer: Optimizer,
    {
      lossScale,
      group,
      mayCheckpoint,
    }: {lossScale?: LossScale | undefined; group?: ProcessGroup | undefined; mayCheckpoint: boolean},
  ) {
    this.#model = model;
    this.#optimizer = optimizer;
    this.#lossScale = lossScale;
    this.#group = group;
    this.#mayCheckpoint = mayCheckpoint;
  }

  /**
   * Adds the gradients of a batch, or of this process's part of it. `isLast`: whether it is the last batch of the step.
   * Throws INVALID_TARGET, OUT_OF_MEMORY, GROUP_FAILED.
   */
  async add({samples, seeds}: Pick<Batch, 'samples' | 'seeds'>, {isLast}: {isLast: boolean}): Promise<void> {
    const images = samples.map(toNativeImage);
    const targets = samples.map((sample) => toNativeTarget(sample, this.#model.classes));
    const lossScale = this.#lossScale?.factor ?? 1;
    try {
      const model = openModel(this.#model);
      if (this.#group === undefined) {
        const losses = await native(() => model.computeLosses(images, targets, {backward: true, lossScale, seeds}));
        this.#losses.push(losses);
      } else {
        const outcome = await native(() => model.computeShare(images, targets, {lossScale, seeds, completes: isLast}));
        // A batch of which no process could read an image is none.
        if (outcome.images > 0) this.#losses.push(outcome.losses);
        this.#waits.waitSeconds += outcome.waitSeconds;
        this.#waits.sumSeconds += outcome.sumSeconds;
      }
    } catch (error) {
      throw explainOutOfMemory(error, samples, this.#mayCheckpoint);
    }
    this.#files.push(...samples.map(({file}) => file));
  }

  /** Whether there was an image to learn from. */
  get hasImages(): boolean {
    return this.#losses.length > 0;
  }

  /** In a group: what this process has waited for the others. */
  get waits(): {waitSeconds: number; sumSeconds: number} | undefined {
    return this.#group && this.#waits;
  }

  /** Takes the step. If it throws NON_FINITE_LOSS, no weight has changed and the gradients are cleared. */
  async take({step, lr, clipNorm}: {step: number; lr: number; clipNorm: number | null}): Promise<StepOutcome> {
    const losses = meanLosses(this.#losses);
    if (!Number.isFinite(totalLoss(losses))) {
      await native(() => this.#optimizer.zeroGrad());
      throw nonFinite('losses', Object.entries(losses), {step, lr, files: await this.#allFiles()});
    }
    const divisor = this.#losses.length * (this.#lossScale?.factor ?? 1);
    if (divisor !== 1) await native(() => this.#optimizer.scaleGradients(1 / divisor));
    const gradientNorm = await native(() => this.#optimizer.step({lr, clipNorm}));
    const isScales = this.#lossScale !== undefined && mayOverflow(this.#lossScale);
    if (!Number.isFinite(gradientNorm) && !isScales) {
      const values: [string, number][] = [['norm', gradientNorm], ...Object.entries(losses)];
      throw nonFinite('gradients', values, {step, lr, files: await this.#allFiles()});
    }
    return {losses, gradientNorm};
  }

  /** The files of the batches, of all processes. */
  async #allFiles(): Promise<string[]> {
    return this.#group === undefined ? this.#files : (await this.#group.gather(this.#files)).flat();
  }

  /** Losses, averaged over the batches so far. */
  get losses(): Losses {
    return meanLosses(this.#losses);
  }
}

function meanLosses(batches: readonly Losses[]): Losses {
  const mean = (name: keyof Losses) => batches.reduce((sum, losses) => sum + losses[name], 0) / batches.length;
  return {
    loss_classifier: mean('loss_classifier'),
    loss_box_reg: mean('loss_box_reg'),
    loss_mask: mean('loss_mask'),
    loss_objectness: mean('loss_objectness'),
    loss_rpn_box_reg: mean('loss_rpn_box_reg'),
  };
}

function nonFinite(
  what: 'losses' | 'gradients',
  values: [name: string, value: number][],
  {step, lr, files}: {step: number; lr: number; files: readonly string[]},
): MaskRcnnError {
  return new MaskRcnnError(
    'NON_FINITE_LOSS',
    `The ${what} of step ${step} at rate ${lr} must be finite, got ${values.map(([name, value]) => `${name} ${value}`).join(', ')} ` +
      `on ${files.join(', ')}.`,
    {
      hint: 'Lower `lr`, lengthen `warmup` or lower `clipNorm`, and look at these images. The checkpoints are from before it.',
      ...(files.length === 1 && {file: files[0]!}),
    },
  );
}

/** Adds to an out-of-memory error which images caused it, and what to do. Returns any other error unchanged. */
export function explainOutOfMemory(error: unknown, samples: readonly Sample[], mayCheckpoint: boolean): unknown {
  if (!(error instanceof MaskRcnnError) || error.code !== 'OUT_OF_MEMORY') return error;
  const pixels = ({image}: Sample) => image.width * image.height;
  const largest = samples.reduce((most, sample) => (pixels(sample) > pixels(most) ? sample : most));
  const {file, image, instances} = largest;
  return new MaskRcnnError(
    'OUT_OF_MEMORY',
    `A batch of ${count(samples.length, 'image')} must fit into memory, and did not: the largest is ${file}, ` +
      `${image.width} × ${image.height} with ${count(instances.length, 'instance')}.`,
    {
      hint:
        'Lower `batchSize`, with `accumulate` raised as much for the same step; ' +
        (mayCheckpoint ? 'pass activationCheckpointing: true; ' : '') +
        "or make the model with a smaller `minSize` and `maxSize`, or with precision: 'bfloat16'.",
      file,
      cause: error,
    },
  );
}
