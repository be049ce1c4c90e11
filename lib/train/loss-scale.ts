/**
 * What the loss is multiplied by before the backward pass, and the gradients are divided by after it: without it small gradients
 * would be 0 in float16.
 */
export type LossScale = {
  factor: number;
  /** Steps since it was last changed. */
  steps: number;
};

// The constants are those of torch.amp.GradScaler (torch/amp/grad_scaler.py).
export const FIRST_LOSS_SCALE: LossScale = {factor: 65536, steps: 0};
const GROWTH = 2;
const BACKOFF = 0.5;
const STEPS_TO_GROW = 2000;

/** Lower than that, it is not the scale that makes gradients overflow. */
const LEAST = 1;

/** The scale of the next step, after one whose gradients were finite or were not. */
export function nextLossScale({factor, steps}: LossScale, wasFinite: boolean): LossScale {
  if (!wasFinite) return {factor: Math.max(LEAST, factor * BACKOFF), steps: 0};
  return steps + 1 === STEPS_TO_GROW ? {factor: factor * GROWTH, steps: 0} : {factor, steps: steps + 1};
}

/** Whether gradients that are not finite may be so because of the scale. */
export function mayOverflow({factor}: LossScale): boolean {
  return factor > LEAST;
}
