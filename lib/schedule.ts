/** How the learning rate falls after warm-up. Times are in epochs and may be fractions. */
export type ScheduleOptions =
  | {type: 'constant'}
  /** Times `gamma` at each of `milestones`. */
  | {type: 'step'; milestones: number[]; gamma: number}
  /** Half a cosine from the full rate to `floor` times it, over the whole run. */
  | {type: 'cosine'; floor: number};

/** Everything the rate depends on besides the step, so that a resumed run needs no state but its step. */
export type Schedule = {
  /** The full rate. */
  lr: number;
  decay: ScheduleOptions;
  /** Steps over which the rate climbs linearly to the full rate; 0: no warm-up. */
  warmupSteps: number;
  /** Where warm-up begins, as a share of the full rate. */
  warmupFactor: number;
  stepsPerEpoch: number;
  totalSteps: number;
};

/** The decay steps of torchvision's recipe (references/detection: 16 and 22 of 26 epochs), as shares of the run. */
const REFERENCE_MILESTONES = [16 / 26, 22 / 26];

/** The milestones of 'step' where none are given, in epochs. */
export function defaultMilestones(epochs: number): number[] {
  return REFERENCE_MILESTONES.map((share) => share * epochs);
}

/**
 * The length of warm-up where none is given: torchvision's (references/detection/engine.py), that is 1000 steps, or the
 * first epoch but one step if that is shorter.
 */
export function defaultWarmupSteps(stepsPerEpoch: number): number {
  return Math.min(1000, stepsPerEpoch - 1);
}

/** The learning rate of step `step`, counted from 0: warm-up times decay. */
export function learningRate(schedule: Schedule, step: number): number {
  return schedule.lr * warmup(schedule, step) * decay(schedule, step);
}

/** `torch.optim.lr_scheduler.LinearLR`'s factor. */
function warmup({warmupSteps, warmupFactor}: Schedule, step: number): number {
  if (step >= warmupSteps) return 1;
  return warmupFactor + (1 - warmupFactor) * (step / warmupSteps);
}

function decay({decay, stepsPerEpoch, totalSteps}: Schedule, step: number): number {
  switch (decay.type) {
    case 'constant':
      return 1;
    case 'step': {
      const epochs = step / stepsPerEpoch;
      return decay.gamma ** decay.milestones.filter((milestone) => epochs >= milestone).length;
    }
    case 'cosine':
      return decay.floor + ((1 - decay.floor) * (1 + Math.cos(Math.PI * (step / totalSteps)))) / 2;
  }
}
