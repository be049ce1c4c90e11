import type {Augmentation} from '../augment/augmentation.js';
import type {AugmentName} from '../augment/presets.js';
import type {Dataset} from '../datasets/dataset.js';
import type {DistributedOptions} from '../distributed/options.js';
import type {BestBy} from '../run/best.js';
import type {EpochRecord, StepRecord} from '../run/history.js';
import type {ResolvedSchedule, ScheduleOptions} from './schedule.js';

/** An optimizer and its parameters, with the meaning they have in torch.optim. */
export type OptimizerOptions =
  | {
      type: 'sgd';
      /** Momentum. Default 0.9. */
      momentum?: number;
      /** Whether to use Nesterov momentum; needs a momentum above 0. Default false. */
      nesterov?: boolean;
      /** Weight decay. Default 0.0005. */
      weightDecay?: number;
      /**
       * Weight decay of normalization layers and biases; 0 excludes them. Default: `weightDecay`, as in torchvision's
       * recipe.
       */
      normWeightDecay?: number;
    }
  | {
      type: 'adamw';
      /** Decay rates of the running averages of the gradient and of its square. Default [0.9, 0.999]. */
      betas?: [number, number];
      /** Added to the denominator for numerical stability. Default 1e-8. */
      eps?: number;
      /** Weight decay. Default 0.01. */
      weightDecay?: number;
      /** Weight decay of normalization layers and biases; 0 excludes them. Default: `weightDecay`. */
      normWeightDecay?: number;
    };

/** Options of `train()`. */
export type TrainOptions = {
  data: Dataset;
  /** The validation set. It is evaluated during the run, and `bestBy` selects the best checkpoint by its scores. */
  validation?: Dataset;
  /** Passes over `data`. Default 10. */
  epochs?: number;
  /** Images per batch, of each process of a group. The last batch of an epoch may be smaller. Default 2. */
  batchSize?: number;
  /**
   * Gradient accumulation: batches per optimizer step, for more images per step than fit into memory. Gradients and
   * losses are averaged over the batches. Default 1.
   */
  accumulate?: number;
  /** The optimizer. 'sgd' and 'adamw' are short for `{type}` with default parameters. Default 'sgd'. */
  optimizer?: 'sgd' | 'adamw' | OptimizerOptions;
  /**
   * The base learning rate. Default for SGD: 0.0025 × images per step. This scales the 0.005 that torchvision's
   * tutorial uses for batches of 2. Default for AdamW: 0.0001.
   */
  lr?: number;
  /** Learning rate of the backbone as a multiple of `lr`. It does not apply to the feature pyramid. Default 1. */
  backboneLrMultiplier?: number;
  /**
   * The learning rate schedule. 'constant': no decay. 'multistep': the rate falls to a tenth at 16/26 and again at
   * 22/26 of the run, as in torchvision's recipe. 'step': it falls to a tenth after every third of the run. 'cosine':
   * it falls to 0 along half a cosine. 'one-cycle': it rises and falls again; `warmup` is then 0 unless you set it, and
   * otherwise multiplies the rate. Objects set further parameters: see `ScheduleOptions`. Default 'multistep'.
   */
  schedule?: ScheduleOptions['type'] | ScheduleOptions;
  /**
   * Warm-up steps, in which the learning rate rises from a thousandth of `lr` to `lr`. Default: 1000, or the first
   * epoch if that is shorter.
   */
  warmup?: number;
  /**
   * Gradient clipping: gradients are scaled down to this L2 norm over all parameters; null: no clipping. Default 10.
   */
  clipNorm?: number | null;
  /**
   * Evaluates and saves an exponential moving average (EMA) of the weights instead of the weights themselves, which
   * fluctuate more. It averages over about the last 1 / (1 - decay) steps. true: with decay 0.998. Default false.
   */
  ema?: boolean | {decay?: number};
  /**
   * Parameters that are not trained: names, or prefixes of names up to a dot, such as 'backbone.body' or
   * 'rpn.head.conv'. For whole layers of the backbone, there is `trainableBackboneLayers` of `maskRcnn()` too.
   */
  freeze?: string | readonly string[];
  /**
   * Data augmentation of the training images, seeded: a preset ('none', 'hflip', 'flips', 'multiscale', 'lsj',
   * 'histology'), or augmentations in order, from this package or your own. Default 'hflip'.
   */
  augment?: AugmentName | Augmentation | readonly Augmentation[];
  /**
   * Puts images of similar aspect ratio into the same batch, which reduces padding: true for the 8 groups of width /
   * height that torchvision uses, or a number for the `bins` of `aspectRatioGroups()`. Default false.
   */
  groupByAspectRatio?: boolean | number;
  /**
   * Whether images of rare classes are taken more often. 'repeat-factor': an image is taken max(1, √(t / f)) times per
   * epoch on average, where f is the fraction of the images that contain its rarest class and t is `balanceThreshold`
   * (Gupta et al., "LVIS", 2019). The number is rounded at random in each epoch, so epochs differ in length: schedules
   * count epochs, warm-up counts steps. 'none': each image once. Default 'none'.
   */
  balance?: 'none' | 'repeat-factor';
  /** The fraction of the images below which `balance` repeats a class, above 0 and at most 1. Default 0.001. */
  balanceThreshold?: number;
  /**
   * What to do with an image or mask of `data` that cannot be read: 'error' ends the run, 'skip' skips it with a
   * message. Any other error of a data set of your own ends the run, because it is probably a defect. Default 'error'.
   */
  unreadable?: 'error' | 'skip';
  /** Number of batches to decode ahead. Default 2. */
  prefetch?: number;
  /**
   * Activation checkpointing: a step keeps only a few maps of the backbone, and computes the others again in its
   * backward pass. It takes less memory and more time (docs/performance.md has figures). The losses of a step are the
   * same; gradients may differ in their last digits. Default false.
   */
  activationCheckpointing?: boolean;
  /**
   * How many steps with losses or gradients that are not finite are skipped, with a message, before another one ends
   * the run. Default 0.
   */
  skipNonFinite?: number;
  /** Seed of the image order, the augmentation and the samplers. Default 0. */
  seed?: number;
  /**
   * The folder of the run. Files of an earlier run in it are replaced. Default: the first free of runs/train,
   * runs/train-2, ...
   */
  output?: string;
  /**
   * Resumes the run in `output` from its last saved state. On the CPU, the result is exactly that of an uninterrupted
   * run. 'auto': only if there is a saved state. Options that are not given keep their earlier values. Options that
   * affect the training itself or what is best must not change.
   */
  resume?: boolean | 'auto';
  /**
   * Resumes the run even if its data, its validation data, or the model's precision or kind of device have changed.
   * They are told. If the validation data have changed, the best score is forgotten. The number of training images must
   * be the same in any case. Default false.
   */
  allowChanges?: boolean;
  /** Number of epochs between evaluations. The last epoch is always evaluated. Default 1. */
  evaluateEvery?: number;
  /** Only detections on the validation set above this score count, 0..1. Default 0.5. */
  scoreThreshold?: number;
  /**
   * The score that selects the best checkpoint. Ties go to the higher mask AP (box AP without masks), then to the lower
   * training loss. Default 'iou' (pixel IoU, mean over images), or 'boxAp' for a network without masks, or 'loss'
   * without `validation`.
   */
  bestBy?: BestBy;
  /**
   * Early stopping: ends the run after this many evaluations in a row without a better score; null: never. A tie is no
   * better score, even if mask AP or loss are better. Default null.
   */
  patience?: number | null;
  /**
   * Ends the run after the step or the evaluation that exceeds this time, including earlier parts of a resumed run;
   * null: never. An epoch that is cut short is evaluated, but its scores do not count for `bestBy` and `patience`: a
   * resumed run completes it first. Default null.
   */
  limitHours?: number | null;
  /**
   * Number of epochs between copies of the weights that are kept as epoch-N.safetensors; null: no copies. Default null.
   */
  saveEvery?: number | null;
  /**
   * Saves the training state within an epoch once this many minutes have passed since the last save; null: never.
   * Default 10.
   */
  saveEveryMinutes?: number | null;
  /** Called after each step. If it throws, the run ends. */
  onStep?: (step: StepRecord) => void;
  /** Called after each epoch and its evaluation. If it throws, the run ends. */
  onEpoch?: (epoch: EpochRecord) => void;
  /** Ends the run after the current step. `last` is saved, and `train()` rejects with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Training by several processes, which compute the gradients of each batch together: the result is that of one
   * process with a batch as large as all of theirs. 'auto': if a launcher such as torchrun, Slurm's srun or mpirun has
   * started this process as one of a group. An object also sets how the group works. 'none': this process trains by
   * itself. See docs/distributed.md. Default 'none'; of `maskrcnn train`, 'auto'.
   */
  distributed?: 'none' | 'auto' | DistributedOptions;
  /**
   * 'auto': shows progress on standard error, and tells once of images or masks of which bits or pages are not read;
   * 'silent': shows nothing. Default 'auto'.
   */
  log?: 'auto' | 'silent';
};

/** The options that options.json and the checkpoints store, as numbers and words only ('own' stands for functions). */
export type ResolvedTrainOptions = {
  epochs: number;
  batchSize: number;
  /** Number of processes that the run began with. A batch has `batchSize` images for each, also if others go on. */
  processes: number;
  /** Whether batch norms normalize by the images of all processes. */
  syncBatchNorm: boolean;
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
  balance: 'none' | 'repeat-factor';
  balanceThreshold: number;
  unreadable: 'error' | 'skip';
  prefetch: number;
  activationCheckpointing: boolean;
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
