import type {BackboneName, NativeModelOptions, RoiPoolOptions} from '../../binding.js';

export type {BackboneName, RoiPoolOptions};

/**
 * Options of `maskRcnn()`: torchvision's constructor arguments in camelCase, with torchvision's defaults, and options
 * for the source of the weights. Thresholds and fractions are in 0..1. Invalid options throw INVALID_OPTION.
 */
export type ModelOptions = {
  /** Backbone, by torchvision's name. Default 'resnet50'. */
  backbone?: BackboneName;
  /** Version of the architecture. 1: torchvision's `maskrcnn_*_fpn`; 2: `_fpn_v2`. Default 1. */
  version?: 1 | 2;
  /**
   * 'instance': a mask for each object. 'none': boxes only. The network then has no mask head, which makes it
   * torchvision's Faster R-CNN (`fasterrcnn_*_fpn`). It can start from the weights of a Mask R-CNN too, of which the
   * mask head is left out. Default 'instance', but 'none' if `weights` has no mask head.
   */
  masks?: 'instance' | 'none';
  /**
   * Weights of the whole network: 'COCO_V1' (ResNet-50; without masks MobileNetV3 too), the path of a `.safetensors` or
   * `.pth` file, or the folder of a run, which means its best.safetensors. A file that this package saved also sets the
   * backbone, the classes and the other options, unless you set them yourself. Default: none. Unlike torchvision, this
   * package never loads or downloads weights unless you ask for them.
   */
  weights?: string;
  /**
   * Weights of the backbone only: 'IMAGENET1K_V1', 'IMAGENET1K_V2' or a path. Default: none. Cannot be combined with
   * `weights`.
   */
  weightsBackbone?: string;
  /**
   * Names of the classes, without the background. If they differ from those of `weights`, the box and mask predictors
   * are replaced by new ones, and a notice says so. Default: those of `weights`, or '1', '2', ... if the file has no
   * names; without `weights`, COCO's.
   */
  classes?: readonly string[];
  /**
   * Number of classes including the background. Use it instead of `classes`. The classes are then called '1', '2', ...,
   * unless `weights` has names for exactly this number of classes.
   */
  numClasses?: number;
  /**
   * Device to compute on. 'auto' means 'cuda' if a GPU can be used, else 'cpu'. 'cuda' is the first GPU, 'cuda:N' is
   * GPU number N, counted from 0. Default 'auto'.
   */
  device?: 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;
  /**
   * Arithmetic of convolutions and linear layers. 'bfloat16' keeps about three digits. It is one and a half times as
   * fast on processors with AVX512-BF16, and two to three times with AMX. 'float16' is for NVIDIA GPUs before Ampere,
   * which have no bfloat16: `train()` then scales the loss to keep small gradients, and lowers the scale if they
   * overflow. Weights, their gradients, boxes and losses are always float32, so checkpoints are the same. Default
   * 'float32'.
   */
  precision?: 'float32' | 'bfloat16' | 'float16';
  /**
   * Operations for which an NVIDIA GPU (Ampere or later) may round float32 operands to TF32, which has a 10-bit
   * mantissa. This is faster and keeps about three digits. 'convolutions': convolutions only; 'all': matrix products
   * too; 'none': no operations. The model sets it for the whole process when it computes. Default 'convolutions', as in
   * PyTorch.
   */
  tf32?: 'none' | 'convolutions' | 'all';
  /**
   * Whether detection on a GPU uses captured graphs. If an input size occurs again, the first half of the network then
   * needs one launch instead of hundreds. This helps with one or two images at a time. The graphs of the last four
   * sizes are kept until the weights change, and each takes as much memory as a forward pass. Needs Linux. Default
   * false.
   */
  graphs?: boolean;
  /**
   * Number of threads that compute on the CPU for this model: an integer in 1..4096. Each model has threads of its own.
   * Images are read by other threads: those of libuv, four unless the environment sets `UV_THREADPOOL_SIZE`. Default:
   * `MASKRCNN_THREADS`, else `OMP_NUM_THREADS`, else the number of cores, but not more than the CPUs that the process
   * may use (its affinity and the quota of its control group).
   */
  threads?: number;
  /**
   * Random seed of the initial weights and then of the samplers of anchors and proposals, an integer >= 0. Default 0.
   */
  seed?: number;
  /** Aborts a download or the reading of weights. `maskRcnn()` then rejects with the signal's reason. */
  signal?: AbortSignal;
  /**
   * Receives a message about each decision that torchvision makes silently, such as replaced predictors. The messages
   * are also in `model.notices`.
   */
  onNotice?: (notice: string) => void;

  /**
   * Batch norm of the backbone. 'frozen': its statistics and affine parameters are fixed; 'batch': they are trained.
   * Default as in torchvision: 'frozen' with pretrained weights, else 'batch'; always 'batch' in `version` 2.
   */
  backboneNorm?: 'frozen' | 'batch';
  /** Epsilon of frozen batch norm. Default 1e-5, but 0 for 'COCO_V1' of `version` 1 (torchvision's `overwrite_eps`). */
  frozenBatchNormEps?: number;
  /**
   * Number of backbone stages to train, counted from the last: 0..5 for ResNets, 0..6 for MobileNets. Default 3.
   * Without pretrained weights, all stages are trained whatever the value is, with a notice, as in torchvision.
   */
  trainableBackboneLayers?: number;
  /**
   * Backbone stages that feed the FPN, in ascending order. ResNets: a subset of 1..4, default all; MobileNets: a subset
   * of 0..5, default [4, 5].
   */
  returnedLayers?: readonly number[];
  /**
   * Number of channels of the FPN's levels, of the RPN's convolutions and, in `version` 2, of the box head's: 1..4096.
   * Fewer make the network smaller and faster, but the weights of COCO_V1 need the default. Default 256 (torchvision's
   * `out_channels`).
   */
  fpnChannels?: number;

  /**
   * Length of the shorter side that images are resized to, in pixels. If there are several, training picks one at
   * random and detection uses the last. Default 800.
   */
  minSize?: number | readonly number[];
  /** Maximum length of the longer side after resizing, in pixels. Default 1333. */
  maxSize?: number;
  /** Means of R, G, B for normalization, on a scale of 0..1. Default: ImageNet's, [0.485, 0.456, 0.406]. */
  imageMean?: readonly [number, number, number];
  /**
   * Standard deviations of R, G, B for normalization, on a scale of 0..1. Default: ImageNet's, [0.229, 0.224, 0.225].
   */
  imageStd?: readonly [number, number, number];
  /** Width and height of a batch are padded to multiples of this number of pixels. Default 32. */
  sizeDivisible?: number;
  /** [width, height] in pixels to resize every image to, instead of `minSize` and `maxSize`. Default null. */
  fixedSize?: readonly [number, number] | null;
  /** Whether to train on images in their original size, without resizing. Default false. */
  skipResize?: boolean;

  /**
   * Anchor sizes in pixels, one list per feature level. There is one level for each of `returnedLayers`, and the
   * max-pooled one. Default: [[32], [64], [128], [256], [512]] for five levels, else all five sizes on each level.
   */
  anchorSizes?: readonly (readonly number[])[];
  /** Aspect ratios (height / width) of the anchors, one list per feature level. Default: [0.5, 1, 2] on each level. */
  anchorAspectRatios?: readonly (readonly number[])[];
  /** Maximum number of proposals per feature level before non-maximum suppression, in training. Default 2000. */
  rpnPreNmsTopNTrain?: number;
  /** Maximum number of proposals per feature level before non-maximum suppression, in detection. Default 1000. */
  rpnPreNmsTopNTest?: number;
  /** Maximum number of proposals per image after non-maximum suppression, in training. Default 2000. */
  rpnPostNmsTopNTrain?: number;
  /** Maximum number of proposals per image after non-maximum suppression, in detection. Default 1000. */
  rpnPostNmsTopNTest?: number;
  /**
   * IoU threshold of non-maximum suppression of proposals. If the IoU of two proposals is higher, only the one with the
   * higher score is kept. Default 0.7.
   */
  rpnNmsThresh?: number;
  /**
   * Anchors with at least this IoU with a ground-truth box are positive samples. So are the anchors that overlap a
   * ground-truth box most. Default 0.7.
   */
  rpnFgIouThresh?: number;
  /** Anchors whose IoU with every ground-truth box is below this are negative samples. Default 0.3. */
  rpnBgIouThresh?: number;
  /** Number of anchors per image that are sampled for the losses of the RPN. Default 256. */
  rpnBatchSizePerImage?: number;
  /** Maximum fraction of positive samples among the sampled anchors, 0..1. Default 0.5. */
  rpnPositiveFraction?: number;
  /** Proposals with an objectness score below this are dropped, 0..1. Default 0. */
  rpnScoreThresh?: number;

  /**
   * ROIAlign of the box head. Members and defaults: `featmapNames`, the levels '0'..'3' that exist; `outputSize`, 7;
   * `samplingRatio`, 2.
   */
  boxRoiPool?: Partial<RoiPoolOptions>;
  /**
   * ROIAlign of the mask head. Members and defaults: `featmapNames`, the levels '0'..'3' that exist; `outputSize`, 14;
   * `samplingRatio`, 2.
   */
  maskRoiPool?: Partial<RoiPoolOptions>;
  /**
   * Number of outputs of each fully connected layer of the box head, 1..16384. COCO_V1 needs the default. Default 1024
   * (torchvision's `representation_size`).
   */
  boxRepresentationSize?: number;
  /**
   * Number of channels of each convolution of the mask head, 1..4096. COCO_V1 needs the default. Default 256
   * (torchvision's `mask_layers` and `dim_reduced`).
   */
  maskChannels?: number;
  /** Only detections with a score above this are kept, 0..1. Default 0.05. */
  boxScoreThresh?: number;
  /**
   * IoU threshold of non-maximum suppression of detections. If the IoU of two detections of the same class is higher,
   * only the one with the higher score is kept. Default 0.5.
   */
  boxNmsThresh?: number;
  /** Maximum number of detections per image. Those with the highest scores are kept. Default 100. */
  boxDetectionsPerImg?: number;
  /** Proposals with at least this IoU with a ground-truth box are positive samples and learn its class. Default 0.5. */
  boxFgIouThresh?: number;
  /** Proposals whose IoU with every ground-truth box is below this are negative samples. Default 0.5. */
  boxBgIouThresh?: number;
  /** Number of proposals per image that are sampled for the losses of the heads. Default 512. */
  boxBatchSizePerImage?: number;
  /** Maximum fraction of positive samples among the sampled proposals, 0..1. Default 0.25. */
  boxPositiveFraction?: number;
  /**
   * Weights of the four box regression targets: shift in x, shift in y, growth in width, growth in height. Default [10,
   * 10, 5, 5].
   */
  bboxRegWeights?: readonly [number, number, number, number];
};

/** All options of a network, including defaults. `model.options` has this type. */
export type ResolvedModelOptions = NativeModelOptions;
