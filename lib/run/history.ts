import type {Losses} from '../../binding.js';
import type {Evaluation} from '../evaluation/evaluate.js';

export type {Losses};

/** One optimiser step. */
export type StepRecord = {
  /** Counted from 0 over the whole run. */
  step: number;
  /** Counted from 0. */
  epoch: number;
  /** The rate that the step was taken with. */
  lr: number;
  /** Sum of the five losses. */
  loss: number;
  losses: Losses;
  /** L2 norm of all gradients before clipping. Not finite where the step was left out. */
  gradientNorm: number;
  /** In float16, what the loss was multiplied by for the backward pass. Gradients that overflow lower it, and leave the step out. */
  lossScale?: number;
  /** Seconds from the previous step's end to this one's. */
  seconds: number;
  /** The part of `seconds` spent waiting for the batch. */
  dataSeconds: number;
};

/** One pass over the training data. */
export type EpochRecord = {
  epoch: number;
  /** Mean of the steps' losses. */
  loss: number;
  seconds: number;
  /** Scores on the validation data, if the epoch was evaluated. */
  validation: Evaluation | null;
  /** The part of `seconds` that the evaluation took, if there was one. */
  validationSeconds?: number;
  /** On a GPU, in bytes: used by tensors, taken from the driver, and the most that was since the process began. */
  gpuMemory?: {allocated: number; reserved: number; peakReserved: number};
};

/** All steps and epochs of a run, in order. */
export type History = {steps: StepRecord[]; epochs: EpochRecord[]};

/** Of the epoch's steps, those of before an interruption included, that were finite. */
export function meanLoss({steps}: History, epoch: number): number {
  const finite = steps.filter((step) => step.epoch === epoch && Number.isFinite(step.loss)).map(({loss}) => loss);
  return finite.reduce((sum, loss) => sum + loss, 0) / finite.length;
}

/** The five losses added up: what training minimises. */
export function totalLoss(losses: Losses): number {
  return Object.values(losses).reduce((sum, loss) => sum + loss, 0);
}
