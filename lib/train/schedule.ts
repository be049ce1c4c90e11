/** How the learning rate changes after warm-up. Times are in epochs and may be fractions. */
export type ScheduleOptions =
  | {type: 'constant'}
  /** Multiplies the rate by `gamma` (default 0.1) every `every` epochs (default: a third of the run). */
  | {type: 'step'; every?: number; gamma?: number}
  /** Multiplies the rate by `gamma` (default 0.1) at each of `milestones` (default: 16/26 and 22/26 of the run). */
  | {type: 'multistep'; milestones?: number[]; gamma?: number}
  /** Half a cosine over the whole run, from the base rate down to `floor` (default 0) times the base rate. */
  | {type: 'cosine'; floor?: number}
  /**
   * Rises from `start` (default 1/25) times the base rate to the base rate over the first `rise` (default 0.3) of the
   * run, then falls to `floor` (default 4e-6) times the base rate, both along half a cosine. By default there is no
   * warm-up then; an explicit `warmup` multiplies this rate. Source: Smith and Topin, "Super-convergence", 2018, with
   * the defaults of torch.optim.lr_scheduler.OneCycleLR.
   */
  | {type: 'one-cycle'; rise?: number; start?: number; floor?: number};

/** A schedule with its defaults filled in. */
export type ResolvedSchedule = Required<ScheduleOptions>;

/** Everything that the learning rate depends on besides the step, so that a resumed run needs only its step. */
export type Schedule = {
  /** The base learning rate. */
  lr: number;
  decay: ResolvedSchedule;
  /** Number of steps over which the rate rises linearly to the base rate; 0: no warm-up. */
  warmupSteps: number;
  /** The rate at the start of warm-up, as a fraction of the base rate. */
  warmupFactor: number;
  /** Of an epoch of average length, if epochs differ in length. */
  stepsPerEpoch: number;
  totalSteps: number;
};

/** The milestones of torchvision's recipe (references/detection: 16 and 22 of 26 epochs), as fractions of the run. */
const REFERENCE_MILESTONES = [16 / 26, 22 / 26];

/** The default milestones of 'multistep', in epochs. */
export function defaultMilestones(epochs: number): number[] {
  return REFERENCE_MILESTONES.map((share) => share * epochs);
}

/**
 * The default number of warm-up steps, as in torchvision (references/detection/engine.py): 1000, or one step less than
 * the first epoch if that is shorter.
 */
export function defaultWarmupSteps(stepsPerEpoch: number): number {
  return Math.min(1000, stepsPerEpoch - 1);
}

/**
 * The learning rate of step `step`, counted from 0: the base rate times warm-up times decay. Warm-up counts steps.
 * Decay counts epochs: `place` is the step that would be as far in a run whose epochs all have `stepsPerEpoch`.
 */
export function learningRate(schedule: Schedule, step: number, place = step): number {
  return schedule.lr * warmup(schedule, step) * decay(schedule, place);
}

/** The place for `learningRate()` of step `step` of epoch `epoch`, which has `steps` steps. */
export function placeInRun(
  {stepsPerEpoch}: Schedule,
  {epoch, step, steps}: {epoch: number; step: number; steps: number},
): number {
  return epoch * stepsPerEpoch + (step * stepsPerEpoch) / steps;
}

/** The factor of `torch.optim.lr_scheduler.LinearLR`. */
function warmup({warmupSteps, warmupFactor}: Schedule, step: number): number {
  if (step >= warmupSteps) return 1;
  return warmupFactor + (1 - warmupFactor) * (step / warmupSteps);
}

function decay({decay, stepsPerEpoch, totalSteps}: Schedule, step: number): number {
  switch (decay.type) {
    case 'constant':
      return 1;
    case 'step':
      return decay.gamma ** Math.floor(exact(step / exact(decay.every * stepsPerEpoch)));
    case 'multistep':
      return decay.gamma ** decay.milestones.filter((milestone) => step >= exact(milestone * stepsPerEpoch)).length;
    case 'cosine':
      return cosine(1, decay.floor, step / totalSteps);
    case 'one-cycle': {
      // As in PyTorch the last step has the lowest rate, and the peak may lie before the first step.
      const last = totalSteps - 1;
      const peak = exact(decay.rise * totalSteps) - 1;
      if (step === peak) return 1;
      if (step < peak) return cosine(decay.start, 1, step / peak);
      // The last step of a long epoch is later than that of an average one.
      return cosine(1, decay.floor, Math.min(1, (step - peak) / (last - peak)));
    }
  }
}

/**
 * A number of steps without the rounding errors of what it was computed from: 16/26 of 26 steps are 16, not
 * 16.000000000000004. Steps that a user means are whole, or at least this far from whole.
 */
function exact(steps: number): number {
  const whole = Math.round(steps);
  return Math.abs(steps - whole) < 1e-6 ? whole : steps;
}

/** Interpolates from `start` to `end` along half a cosine. `share` is the position, 0..1. */
function cosine(start: number, end: number, share: number): number {
  return end + ((start - end) * (1 + Math.cos(Math.PI * share))) / 2;
}
