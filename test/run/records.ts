import type {Evaluation} from '../../lib/evaluation/evaluation.js';
import type {EpochRecord, StepRecord} from '../../lib/run/history.js';

/** A step whose losses add up to `loss`. */
export function step(index: number, loss = 1, epoch = Math.floor(index / 2)): StepRecord {
  const part = loss / 5;
  const losses = {
    loss_classifier: part,
    loss_box_reg: part,
    loss_mask: part,
    loss_objectness: part,
    loss_rpn_box_reg: part,
  };
  return {step: index, epoch, lr: 0.01, loss, losses, gradientNorm: 2, seconds: 0.5, dataSeconds: 0.25};
}

/** An epoch with any metrics. */
export function epoch(index: number, metrics: object | null = null): EpochRecord {
  return {epoch: index, loss: 1, seconds: 3, validation: metrics as Evaluation | null};
}

/** Pixel scores that are all `score`. */
export function pixelScores(score: number): Evaluation['pixel'] {
  const scores = {iou: score, f1: score, precision: score, recall: score};
  return {images: 3, emptyImages: 0, mean: scores, pooled: scores};
}
