/** How the learning rate falls after warm-up. Times are in epochs and may be fractions. */
export type ScheduleOptions =
  | {type: 'constant'}
  /** Times `gamma` (default 0.1) every so many epochs (default a third of the run). */
  | {type: 'step'; every?: number; gamma?: number}
  /** Times `gamma` (default 0.1) at each of `milestones` (default 16/26 and 22/26 of the run). */
  | {type: 'multistep'; milestones?: number[]; gamma?: number}
  /** Half a cosine from the full rate to `floor` (default 0) times it, over the whole run. */
  | {type: 'cosine'; floor?: number}
  /**
   * From `start` (default 1/25) times the full rate up to it over the first `rise` (default 0.3) of the run, and down to
   * `floor` (default 4e-6) times it, both along half a cosine: Smith and Topin, "Super-convergence", 2018, with the defaults
   * of torch.optim.lr_scheduler.OneCycleLR. It takes the place of warm-up.
   */
  | {type: 'one-cycle'; rise?: number; start?: number; floor?: number};

/** A schedule with its defaults filled in. */
export type ResolvedSchedule = Required<ScheduleOptions>;

/** Everything the rate depends on besides the step, so that a resumed run needs no state but its step. */
export type Schedule = {
  /** The full rate. */
  lr: number;
  decay: ResolvedSchedule;
  /** Steps over which the rate climbs linearly to the full rate; 0: no warm-up. */
  warmupSteps: number;
  /** Where warm-up begins, as a share of the full rate. */
  warmupFactor: number;
  stepsPerEpoch: number;
  totalSteps: number;
};

/** The decay steps of torchvision's recipe (references/detection: 16 and 22 of 26 epochs), as shares of the run. */
const REFERENCE_MILESTONES = [16 / 26, 22 / 26];

/** The milestones of 'multistep' where none are given, in epochs. */
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
  const epochs = step / stepsPerEpoch;
  switch (decay.type) {
    case 'constant':
      return 1;
    case 'step':
      return decay.gamma ** Math.floor(epochs / decay.every);
    case 'multistep':
      return decay.gamma ** decay.milestones.filter((milestone) => epochs >= milestone).length;
    case 'cosine':
      return cosine(1, decay.floor, step / totalSteps);
    case 'one-cycle': {
      // PyTorch's last step, not the one after it, has the lowest rate.
      const last = totalSteps - 1;
      const peak = Math.max(decay.rise * totalSteps - 1, 0);
      if (step < peak) return cosine(decay.start, 1, step / peak);
      return last > peak ? cosine(1, decay.floor, (step - peak) / (last - peak)) : 1;
    }
  }
}

/** From `start` to `end` along half a cosine, `share` of the way. */
function cosine(start: number, end: number, share: number): number {
  return end + ((start - end) * (1 + Math.cos(Math.PI * share))) / 2;
}
