import type {Losses} from '../../binding.js';
import type {Evaluation} from '../evaluation/evaluation.js';

export type {Losses};

/** The record of one optimizer step. */
export type StepRecord = {
  /** Index of the step, counted from 0 over the whole run. */
  step: number;
  /** Index of the epoch, counted from 0. */
  epoch: number;
  /** The learning rate of this step. */
  lr: number;
  /** Sum of the five losses. */
  loss: number;
  losses: Losses;
  /** L2 norm of all gradients before clipping. Not finite if the step was skipped. */
  gradientNorm: number;
  /**
   * Loss scale in float16: the factor on the loss for the backward pass. If gradients overflow, the step is skipped and
   * the scale reduced.
   */
  lossScale?: number;
  /** Seconds from the end of the previous step to the end of this one. */
  seconds: number;
  /** The part of `seconds` spent waiting for the batch. */
  dataSeconds: number;
  /**
   * In a group: the part of `seconds` from the end of the forward pass until all processes had ended theirs, and with
   * `syncBatchNorm` what norms waited within it.
   */
  waitSeconds?: number;
  /**
   * In a group: the part of `seconds` from the end of the backward pass until all gradients were summed, and with
   * `syncBatchNorm` what norms waited within it.
   */
  sumSeconds?: number;
};

/** The record of one epoch, which is one pass over the training data. */
export type EpochRecord = {
  epoch: number;
  /** Mean loss over the steps. */
  loss: number;
  seconds: number;
  /** Scores on the validation set; null if the epoch was not evaluated. */
  validation: Evaluation | null;
  /** The part of `seconds` spent on the evaluation, if there was one. */
  validationSeconds?: number;
  /**
   * Set if `limitHours` ended the epoch before its last step. Its scores do not count for `bestBy` and `patience`, and
   * a run that resumes replaces the record by that of the whole epoch.
   */
  cut?: true;
  /**
   * GPU memory in bytes: used by tensors, reserved from the driver, and the peak of the reserved memory since the
   * process started.
   */
  gpuMemory?: {allocated: number; reserved: number; peakReserved: number};
};

/** All steps and epochs of a run, in order. */
export type History = {steps: StepRecord[]; epochs: EpochRecord[]};

/** Mean over the epoch's steps with a finite loss, including steps from before an interruption. */
export function meanLoss({steps}: History, epoch: number): number {
  const finite = steps.filter((step) => step.epoch === epoch && Number.isFinite(step.loss)).map(({loss}) => loss);
  return finite.reduce((sum, loss) => sum + loss, 0) / finite.length;
}

/** The sum of the five losses, which training minimizes. */
export function totalLoss(losses: Losses): number {
  return Object.values(losses).reduce((sum, loss) => sum + loss, 0);
}
