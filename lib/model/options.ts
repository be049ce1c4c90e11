import type {BackboneName, NativeModelOptions, RoiPoolOptions} from '../../binding.js';

export type {BackboneName, RoiPoolOptions};

/**
 * What `maskRcnn()` takes: torchvision's constructor arguments in camelCase, with torchvision's defaults, and where the
 * weights come from. Thresholds and fractions are 0..1.
 */
export type ModelOptions = {
  /** torchvision's name of the backbone. Default 'resnet50'. */
  backbone?: BackboneName;
  /** 1: torchvision's `maskrcnn_*_fpn`; 2: `_fpn_v2`. Default 1. */
  version?: 1 | 2;
  /**
   * Weights of the whole network: 'COCO_V1' (ResNet-50 only), or the path of a `.safetensors` or `.pth` file. A file that
   * this package saved brings its backbone, classes and other options along. Default none; unlike in torchvision,
   * nothing is ever loaded or downloaded unasked.
   */
  weights?: string;
  /** Weights of the backbone alone: 'IMAGENET1K_V1', 'IMAGENET1K_V2' or a path. Default none. Not together with `weights`. */
  weightsBackbone?: string;
  /**
   * Names of the classes; the background is implied. If they are not those of `weights`, the two predictors are replaced
   * by new ones, and a notice says so. Default: those of `weights`, or COCO's.
   */
  classes?: readonly string[];
  /** Instead of `classes`, their number with the background; the classes are then called '1', '2', ... */
  numClasses?: number;
  /** 'auto' is 'cuda' where libtorch has a GPU, else 'cpu'. Default 'auto'. */
  device?: 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;
  /**
   * Arithmetic of convolutions and linear maps. 'bfloat16' is about twice as fast on processors with AVX512-BF16 or AMX and
   * keeps about three digits; weights, their gradients, boxes and losses are float32 in each, so that checkpoints are
   * the same. 'float16' is for GPUs before NVIDIA's Ampere, which have no bfloat16: `train()` then scales the loss to keep
   * small gradients, and lowers the scale where they overflow. Default 'float32'.
   */
  precision?: 'float32' | 'bfloat16' | 'float16';
  /**
   * What an NVIDIA GPU (Ampere and later) may round the operands of float32 to 10 bits for: faster, to about three digits. It is set
   * for the whole process when a model computes. Default 'convolutions', as in PyTorch; 'all' has matrix products too.
   */
  tf32?: 'none' | 'convolutions' | 'all';
  /**
   * Whether a GPU detects by a captured graph: for images of a size that comes again, the first half of the network is then one
   * thing to start instead of hundreds, which counts for one or two images at a time. Each of the last four sizes keeps the memory of
   * a pass, until weights change. Needs Linux. Default false.
   */
  graphs?: boolean;
  /** Of the initial weights and, after them, of the samplers: an integer >= 0. Default 0. */
  seed?: number;
  /** Ends a download or the reading of weights; `maskRcnn()` rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Told what was decided silently in torchvision, such as replaced predictors. Also kept in `model.notices`. */
  onNotice?: (notice: string) => void;

  /**
   * 'frozen': fixed statistics and affine values; 'batch': trained. Default as in torchvision: 'frozen' if there are
   * pretrained weights, else 'batch'; always 'batch' in version 2.
   */
  backboneNorm?: 'frozen' | 'batch';
  /** eps of the frozen batch norms. Default 1e-5, but 0 for version 1's 'COCO_V1' (torchvision's `overwrite_eps`). */
  frozenBatchNormEps?: number;
  /**
   * Stages trained, counted from the last: 0..5 for ResNets, 0..6 for MobileNets. Default 3. Without pretrained weights all
   * are trained whatever is asked, with a notice, as in torchvision.
   */
  trainableBackboneLayers?: number;
  /** Stages that feed the FPN, ascending. ResNets: of 1..4, default all; MobileNets: of 0..5, default [4, 5]. */
  returnedLayers?: readonly number[];

  /** Length of the shorter side in pixels; of several, training draws one and detection takes the last. Default 800. */
  minSize?: number | readonly number[];
  /** Upper bound of the longer side in pixels. Default 1333. */
  maxSize?: number;
  /** Mean of R, G, B in 0..1. Default ImageNet's. */
  imageMean?: readonly [number, number, number];
  /** Standard deviation of R, G, B. Default ImageNet's. */
  imageStd?: readonly [number, number, number];
  /** Batches are padded to multiples of this. Default 32. */
  sizeDivisible?: number;
  /** [width, height] that every image is resized to instead. Default null. */
  fixedSize?: readonly [number, number] | null;
  /** Train on images as they are. Default false. */
  skipResize?: boolean;

  /**
   * Pixels, one list per feature level, of which there are `returnedLayers.length + 1`. Default [[32], [64], [128], [256],
   * [512]] for five levels, else all five sizes on each level.
   */
  anchorSizes?: readonly (readonly number[])[];
  /** height / width, one list per feature level. Default [0.5, 1, 2] on each. */
  anchorAspectRatios?: readonly (readonly number[])[];
  /** Proposals of a feature level that non-maximum suppression is given, in training. Default 2000. */
  rpnPreNmsTopNTrain?: number;
  /** The same, in detection. Default 1000. */
  rpnPreNmsTopNTest?: number;
  /** Proposals of an image that are kept after it, in training. Default 2000. */
  rpnPostNmsTopNTrain?: number;
  /** The same, in detection. Default 1000. */
  rpnPostNmsTopNTest?: number;
  /** Of two proposals with a higher IoU than this only the one with the higher score is kept. Default 0.7. */
  rpnNmsThresh?: number;
  /** Anchors with at least this IoU with a true box learn to be objects. Default 0.7. */
  rpnFgIouThresh?: number;
  /** Anchors under this IoU with every true box learn to be background. Default 0.3. */
  rpnBgIouThresh?: number;
  /** Anchors of an image that are drawn for the RPN's losses. Default 256. */
  rpnBatchSizePerImage?: number;
  /** At most this share of them are objects. Default 0.5. */
  rpnPositiveFraction?: number;
  /** Proposals under this score are dropped. Default 0. */
  rpnScoreThresh?: number;

  /** RoIAlign of the box head. Default: levels '0'..'3' (those that exist), 7, 2. */
  boxRoiPool?: Partial<RoiPoolOptions>;
  /** RoIAlign of the mask head. Default: levels '0'..'3' (those that exist), 14, 2. */
  maskRoiPool?: Partial<RoiPoolOptions>;
  /** Only detections above this score are kept. Default 0.05. */
  boxScoreThresh?: number;
  /** Of two detections of a class with a higher IoU than this only the one with the higher score is kept. Default 0.5. */
  boxNmsThresh?: number;
  /** At most this many detections of an image are kept. Default 100. */
  boxDetectionsPerImg?: number;
  /** Proposals with at least this IoU with a true box learn its class. Default 0.5. */
  boxFgIouThresh?: number;
  /** Proposals under this IoU with every true box learn to be background. Default 0.5. */
  boxBgIouThresh?: number;
  /** Proposals of an image that are drawn for the losses of the heads. Default 512. */
  boxBatchSizePerImage?: number;
  /** At most this share of them are objects. Default 0.25. */
  boxPositiveFraction?: number;
  /** Factors of a box's shift in x and y and of its growth in width and height, where the regression learns them. Default [10, 10, 5, 5]. */
  bboxRegWeights?: readonly [number, number, number, number];
};

/** Every option of a network, decided: what `model.options` holds. */
export type ResolvedModelOptions = NativeModelOptions;
