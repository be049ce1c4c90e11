import type {Augmentation} from './augment/augmentation.js';
import type {AugmentName} from './augment/presets.js';
import type {Dataset} from './datasets/sample.js';
import type {EpochRecord, StepRecord} from './history.js';
import type {ScheduleOptions} from './schedule.js';

export type OptimizerOptions =
  | {
      type: 'sgd';
      /** Default 0.9. */
      momentum?: number;
      /** Default false. */
      nesterov?: boolean;
      /** Default 0.0005. */
      weightDecay?: number;
    }
  | {
      type: 'adamw';
      /** Default [0.9, 0.999]. */
      betas?: [number, number];
      /** Default 1e-8. */
      eps?: number;
      /** Default 0.01. */
      weightDecay?: number;
    };

/** What `train()` takes. */
export type TrainOptions = {
  data: Dataset;
  /** Evaluated after each epoch; its pixel IoU chooses the best checkpoint. */
  validation?: Dataset;
  /** Passes over `data`. Default 10. */
  epochs?: number;
  /** Images per step. The last batch of an epoch may be smaller. Default 2. */
  batchSize?: number;
  /** 'sgd' and 'adamw' stand for `{type}` with its defaults. Default 'sgd'. */
  optimizer?: 'sgd' | 'adamw' | OptimizerOptions;
  /**
   * The full learning rate. Default for SGD: 0.0025 × batch size, which is the 0.005 that torchvision's tutorial takes for
   * batches of 2, scaled in proportion. Default for AdamW: 0.0001.
   */
  lr?: number;
  /**
   * 'step': the rate falls to a tenth at 16/26 and again at 22/26 of the run, as in torchvision's recipe. 'cosine': to
   * 0 along half a cosine. Objects say more: `{type: 'step', milestones: [3, 6], gamma: 0.1}` (in epochs), `{type: 'cosine',
   * floor: 0.01}` (a share of `lr`). Default 'step'.
   */
  schedule?:
    | 'constant'
    | 'step'
    | 'cosine'
    | {type: 'constant'}
    | {type: 'step'; milestones?: number[]; gamma?: number}
    | {type: 'cosine'; floor?: number};
  /** Steps in which the rate climbs from a thousandth to `lr`. Default: 1000, or the first epoch if that is shorter. */
  warmup?: number;
  /** Gradients are scaled down to this L2 norm over all parameters; null: never. Default 10. */
  clipNorm?: number | null;
  /**
   * What happens to each image before it is trained on, seeded: 'hflip': every other one mirrored; 'flips': every other one
   * mirrored, every other one upside down, for pictures without an up, such as a microscope's; or functions of your
   * own, in order. Default 'hflip'.
   */
  augment?: AugmentName | Augmentation | readonly Augmentation[];
  /** Of the order of the images and of the augmentation. Default 0. */
  seed?: number;
  /** The run's folder; files of an earlier run in it are replaced. Default: the first free of runs/train, runs/train-2, ... */
  output?: string;
  /** Epochs between evaluations; the last epoch is always evaluated. Default 1. */
  evaluateEvery?: number;
  /** Called after each step. What it throws ends the run. */
  onStep?: (step: StepRecord) => void;
  /** Called after each epoch and its evaluation. What it throws ends the run. */
  onEpoch?: (epoch: EpochRecord) => void;
  /** Ends the run after the step under way: `last` is saved and `train()` rejects with the signal's reason. */
  signal?: AbortSignal;
  /** 'auto': progress on standard error; 'silent': nothing. Default 'auto'. */
  log?: 'auto' | 'silent';
};

/** Numbers and words only ('own' for functions): what options.json and the checkpoints keep. */
export type ResolvedTrainOptions = {
  epochs: number;
  batchSize: number;
  optimizer: Required<OptimizerOptions>;
  lr: number;
  schedule: ScheduleOptions;
  warmup: number;
  clipNorm: number | null;
  augment: AugmentName | 'own';
  seed: number;
  evaluateEvery: number;
};
