/**
 * The factor that multiplies the loss before the backward pass and divides the gradients after it. Without it, small
 * gradients would underflow to 0 in float16.
 */
export type LossScale = {
  factor: number;
  /** Steps since the factor last changed. */
  steps: number;
};

// The constants are those of torch.amp.GradScaler (torch/amp/grad_scaler.py).
export const FIRST_LOSS_SCALE: LossScale = {factor: 65536, steps: 0};
const GROWTH = 2;
const BACKOFF = 0.5;
const STEPS_TO_GROW = 2000;

/** Below this, overflowing gradients are not caused by the scale. */
const LEAST = 1;

/** The scale for the next step, depending on whether the gradients of the last step were finite. */
export function nextLossScale({factor, steps}: LossScale, wasFinite: boolean): LossScale {
  if (!wasFinite) return {factor: Math.max(LEAST, factor * BACKOFF), steps: 0};
  return steps + 1 === STEPS_TO_GROW ? {factor: factor * GROWTH, steps: 0} : {factor, steps: steps + 1};
}

/** Whether the scale may be the cause of gradients that are not finite. */
export function mayOverflow({factor}: LossScale): boolean {
  return factor > LEAST;
}
