import type {Augmentation} from '../augment/augmentation.js';
import type {AugmentName} from '../augment/presets.js';
import type {Dataset} from '../datasets/dataset.js';
import type {BestBy} from '../run/best.js';
import type {EpochRecord, StepRecord} from '../run/history.js';
import type {ResolvedSchedule, ScheduleOptions} from './schedule.js';

/** An optimiser and what it is tuned by, with torch.optim's meaning. */
export type OptimizerOptions =
  | {
      type: 'sgd';
      /** Default 0.9. */
      momentum?: number;
      /** Default false. */
      nesterov?: boolean;
      /** Default 0.0005. */
      weightDecay?: number;
      /** Weight decay of norms and of biases. Default: `weightDecay`, as in torchvision's recipe; 0 spares them. */
      normWeightDecay?: number;
    }
  | {
      type: 'adamw';
      /** Default [0.9, 0.999]. */
      betas?: [number, number];
      /** Default 1e-8. */
      eps?: number;
      /** Default 0.01. */
      weightDecay?: number;
      /** Weight decay of norms and of biases. Default: `weightDecay`; 0 spares them. */
      normWeightDecay?: number;
    };

/** What `train()` takes. */
export type TrainOptions = {
  data: Dataset;
  /** Evaluated during the run; `bestBy` of it chooses the best checkpoint. */
  validation?: Dataset;
  /** Passes over `data`. Default 10. */
  epochs?: number;
  /** Images per batch. The last batch of an epoch may be smaller. Default 2. */
  batchSize?: number;
  /**
   * Batches per step, for more images in a step than memory holds: gradients and losses are the means over them. Default 1.
   */
  accumulate?: number;
  /** 'sgd' and 'adamw' stand for `{type}` with its defaults. Default 'sgd'. */
  optimizer?: 'sgd' | 'adamw' | OptimizerOptions;
  /**
   * The full learning rate. Default for SGD: 0.0025 × images per step, which is the 0.005 that torchvision's tutorial takes
   * for batches of 2, scaled in proportion. Default for AdamW: 0.0001.
   */
  lr?: number;
  /** The backbone's rate as a multiple of `lr`, its pyramid not included; default 1. */
  backboneLrMultiplier?: number;
  /**
   * 'multistep': the rate falls to a tenth at 16/26 and again at 22/26 of the run, as in torchvision's recipe. 'step': to a
   * tenth every third of the run. 'cosine': to 0 along half a cosine. 'one-cycle': up and down again, without further
   * warm-up. Objects say more: see `ScheduleOptions`. Default 'multistep'.
   */
  schedule?: ScheduleOptions['type'] | ScheduleOptions;
  /** Steps in which the rate climbs from a thousandth to `lr`. Default: 1000, or the first epoch if that is shorter. */
  warmup?: number;
  /** Gradients are scaled down to this L2 norm over all parameters; null: never. Default 10. */
  clipNorm?: number | null;
  /**
   * Evaluates and saves a moving average of the weights of the last 1 / (1 - decay) steps or so, which jumps about less than
   * the weights themselves. true: with decay 0.998. Default false.
   */
  ema?: boolean | {decay?: number};
  /**
   * Parameters that stay as they are: names, or beginnings of names up to a dot, such as 'backbone.body' or
   * 'rpn.head.conv'. For layers of the backbone there is `trainableBackboneLayers` of `maskRcnn()` too.
   */
  freeze?: string | readonly string[];
  /**
   * What happens to each image before it is trained on, seeded: a preset ('none', 'hflip', 'flips', 'multiscale', 'lsj',
   * 'histology'), or augmentations in order, this package's or your own. Default 'hflip'.
   */
  augment?: AugmentName | Augmentation | readonly Augmentation[];
  /**
   * Batches of images of similar shape, which waste less on padding: true for torchvision's 8 groups of width / height, a
   * number for others (see `aspectRatioGroups()`). Default false.
   */
  groupByAspectRatio?: boolean | number;
  /** An image or mask that cannot be read ends the run ('error'), or is left out and told ('skip'). Default 'error'. */
  unreadable?: 'error' | 'skip';
  /** Batches decoded ahead. Default 2. */
  prefetch?: number;
  /** Steps whose losses or gradients are not finite that are left out, and told, before one ends the run. Default 0. */
  skipNonFinite?: number;
  /** Of the order of the images, the augmentation and the samplers. Default 0. */
  seed?: number;
  /** The run's folder; files of an earlier run in it are replaced. Default: the first free of runs/train, runs/train-2, ... */
  output?: string;
  /**
   * Goes on with the run in `output` from where its state was saved last, on the CPU exactly as if it had not been
   * interrupted; 'auto': if there is one. Options that are left out are those of before, and those that decide the
   * course must not differ.
   */
  resume?: boolean | 'auto';
  /** Epochs between evaluations; the last epoch is always evaluated. Default 1. */
  evaluateEvery?: number;
  /** Detections on the validation data above this score count, 0..1. Default 0.5. */
  scoreThreshold?: number;
  /** The score that chooses the best checkpoint. Default 'iou' (pixel IoU, mean over images); without `validation` 'loss'. */
  bestBy?: BestBy;
  /** Ends the run after this many evaluations in a row without a better score; null: never. Default null. */
  patience?: number | null;
  /** Ends the run after the step that passes this time, earlier parts of a resumed run included; null: never. Default null. */
  limitHours?: number | null;
  /** Epochs between copies of the weights that are kept, as epoch-N.safetensors; null: none. Default null. */
  saveEvery?: number | null;
  /** Within an epoch the state is saved where this many minutes have passed since it was; null: never. Default 10. */
  saveEveryMinutes?: number | null;
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
  accumulate: number;
  optimizer: Required<OptimizerOptions>;
  lr: number;
  backboneLrMultiplier: number;
  schedule: ResolvedSchedule;
  warmup: number;
  clipNorm: number | null;
  ema: {decay: number} | false;
  freeze: string[];
  augment: AugmentName | 'own';
  groupByAspectRatio: boolean | number;
  unreadable: 'error' | 'skip';
  prefetch: number;
  skipNonFinite: number;
  seed: number;
  evaluateEvery: number;
  scoreThreshold: number;
  bestBy: BestBy;
  patience: number | null;
  limitHours: number | null;
  saveEvery: number | null;
  saveEveryMinutes: number | null;
};
