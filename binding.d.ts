/**
 * The contract between TypeScript and the C++ addon. `scripts/check-binding.ts` compares it with the exports of the
 * built addon.
 *
 * Only typed arrays, plain objects and handles cross this boundary, never tensors. Options arrive complete and valid:
 * TypeScript (`lib/model/check-options.ts`, `complete-options.ts`) checks them and fills in the defaults. Methods that
 * return a promise run on the model's own worker thread in the order of the calls. They read their typed arrays before
 * they return. Errors carry a `code` of `ErrorCode` (`lib/basics/errors.ts`).
 *
 * Letters: N images, R instances of an image, D detections, H W rows and columns, K classes including the background.
 */

export type BackboneName =
  | 'resnet18'
  | 'resnet34'
  | 'resnet50'
  | 'resnet101'
  | 'resnet152'
  | 'resnext50_32x4d'
  | 'resnext101_32x8d'
  | 'resnext101_64x4d'
  | 'wide_resnet50_2'
  | 'wide_resnet101_2'
  | 'mobilenet_v2'
  | 'mobilenet_v3_large';

/** Options of a pooling by ROIAlign, as of torchvision's `MultiScaleRoIAlign`. */
export type RoiPoolOptions = {
  /** Feature maps to pool from, by torchvision's names: '0' is the finest, 'pool' is the max-pooled last one. */
  featmapNames: string[];
  /** Side length of the pooled square, in cells. */
  outputSize: number;
  /** Samples per cell and axis. 0 means `ceil(roi side / outputSize)`. */
  samplingRatio: number;
};

/** torchvision's constructor arguments (`models/detection/mask_rcnn.py`, `faster_rcnn.py`), all with values. */
export type NativeModelOptions = {
  backbone: BackboneName;
  /**
   * 1: `maskrcnn_*_fpn`; 2: `_fpn_v2` (batch norm in FPN and heads, two RPN convolutions, four box head convolutions).
   */
  version: 1 | 2;
  /** K: number of classes, including the background as class 0. */
  numClasses: number;
  backboneNorm: 'frozen' | 'batch';
  /** eps of every frozen batch norm: 1e-5, or 0 for COCO_V1 weights (torchvision's `overwrite_eps`). */
  frozenBatchNormEps: number;
  /** Number of stages to train, counted from the last: 0..5 for ResNets, 0..6 for MobileNets. */
  trainableBackboneLayers: number;
  /** Stages that feed the FPN: 1..4 for ResNets, indices of stages for MobileNets. */
  returnedLayers: number[];
  /** Channels of the FPN's levels, and of the convolutions of the RPN and of version 2's box head. */
  fpnChannels: number;
  /** Candidate lengths of the shorter side, in pixels. Training picks one at random, detection uses the last. */
  minSize: number[];
  maxSize: number;
  imageMean: [number, number, number];
  imageStd: [number, number, number];
  sizeDivisible: number;
  /** [width, height] in pixels to resize every image to, or null. */
  fixedSize: [number, number] | null;
  skipResize: boolean;
  /** Anchor sizes in pixels, one list per feature level. */
  anchorSizes: number[][];
  /** Aspect ratios (height / width) of the anchors, one list per feature level. */
  anchorAspectRatios: number[][];
  rpnPreNmsTopNTrain: number;
  rpnPreNmsTopNTest: number;
  rpnPostNmsTopNTrain: number;
  rpnPostNmsTopNTest: number;
  rpnNmsThresh: number;
  rpnFgIouThresh: number;
  rpnBgIouThresh: number;
  rpnBatchSizePerImage: number;
  rpnPositiveFraction: number;
  rpnScoreThresh: number;
  boxRoiPool: RoiPoolOptions;
  maskRoiPool: RoiPoolOptions;
  /** Features per proposal: outputs of each fully connected layer of the box head. */
  boxRepresentationSize: number;
  /** 'none': no mask head, which is torchvision's Faster R-CNN (`detection/faster_rcnn.py`). */
  masks: 'instance' | 'none';
  /** Channels of the mask head's convolutions. */
  maskChannels: number;
  boxScoreThresh: number;
  boxNmsThresh: number;
  boxDetectionsPerImg: number;
  boxFgIouThresh: number;
  boxBgIouThresh: number;
  boxBatchSizePerImage: number;
  boxPositiveFraction: number;
  bboxRegWeights: [number, number, number, number];
  /** 'cpu', 'cuda' or 'cuda:N'. */
  device: string;
  /** Arithmetic of convolutions and linear layers. Parameters, gradients, boxes and losses are always float32. */
  precision: 'float32' | 'bfloat16' | 'float16';
  /**
   * Operations for which a GPU may round float32 to TF32. The setting of the last model that computed holds for the
   * whole process.
   */
  tf32: 'none' | 'convolutions' | 'all';
  /** Whether detection on a GPU runs backbone, FPN and RPN head as a captured graph. */
  graphs: boolean;
  /** Seed of the initial weights and then of the samplers. */
  seed: number;
  /** Number of libtorch's threads that compute a job of the model, the model's own thread included. >= 1. */
  threads: number;
};

/**
 * Pixels in row-major order, three bytes each: R, G, B in 0..255. `data.length === width * height * 3`. `detect()` does
 * not copy the pixels of an image that is `lent`: nobody may change or transfer them until its promise is settled.
 */
export type NativeImage = {data: Uint8Array; width: number; height: number; lent?: boolean};

/**
 * The instances of one image. Each mask is cropped: instance i covers the rectangle `maskRects[4i..4i+3]` (left, top,
 * width, height; whole pixels inside the image). `maskData` holds the bitmaps of all instances, one after the other
 * (row-major, 1 = object, 0 = not). An instance of which only the box is known has a rectangle of 0 × 0 pixels. It is
 * left out of the mask loss.
 */
export type NativeTarget = {
  /** R×4: x0, y0, x1, y1 in pixels of the image, with x0 < x1 and y0 < y1. */
  boxes: Float32Array;
  /** R class labels, 1..K-1. */
  labels: Int32Array;
  /** R×4. */
  maskRects: Int32Array;
  maskData: Uint8Array;
};

/** torchvision's five losses, in torchvision's order. `loss_mask` is 0 if no object has a mask. */
export type Losses = {
  loss_classifier: number;
  loss_box_reg: number;
  loss_mask: number;
  loss_objectness: number;
  loss_rpn_box_reg: number;
};

export type NativeDetectOptions = {
  /** Only detections with a score above this are kept. The model's `boxScoreThresh` applies if it is higher. */
  scoreThreshold: number;
  /**
   * Maximum number of detections per image. Those with the highest scores are kept. The model's `boxDetectionsPerImg`
   * applies if it is lower.
   */
  maxDetections: number;
  /**
   * 'rle': COCO's compressed run-length encoding; 'bitmap': H×W bytes of 0 and 1; 'float': H×W probabilities; 'none':
   * masks are not computed. A network without a mask head accepts only 'none'.
   */
  maskFormat: 'rle' | 'bitmap' | 'float' | 'none';
  /** A pixel belongs to the object if its probability is >= this value. For 'rle' and 'bitmap'. */
  maskThreshold: number;
  /**
   * Number of views for test-time augmentation. 1: the image as it is; 2: also mirrored left to right; 4: also mirrored
   * top to bottom, and both ways. The results are means over the views.
   */
  views: 1 | 2 | 4;
};

/** Detections of one image, in descending order of score. */
export type NativeDetections = {
  /** D×4: x0, y0, x1, y1 in pixels of the input image. */
  boxes: Float32Array;
  /** D class labels, 1..K-1. */
  labels: Int32Array;
  /** D scores, 0..1. */
  scores: Float32Array;
  /** D masks. Depending on `maskFormat`, each is a COCO counts string, H×W bytes, or H×W floats. Empty for 'none'. */
  masks: string[] | Uint8Array[] | Float32Array[];
};

/** Element types, named as in `torch.dtype`. */
export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool';

/** One tensor of a state dict. `data` is contiguous (row-major) and little-endian. */
export type StateTensor = {name: string; dtype: DType; shape: number[]; data: Uint8Array};

/** One parameter or buffer of a model, without its values. */
export type ParameterInfo = {
  name: string;
  shape: number[];
  dtype: DType;
  trainable: boolean;
  kind: 'parameter' | 'buffer';
};

/** An intermediate result, for the parity tests. Integers are converted to floats. */
export type TracedTensor = {name: string; shape: number[]; data: Float32Array};

/**
 * A seed for each image of a batch, 0..2³²-1: the image draws its size and its samples from a generator of its own, so
 * that they do not depend on the other images of the batch.
 */
export type Seeds = number[];

export type ShareOutcome = {
  losses: Losses;
  /** Number of images of the whole batch. */
  images: number;
  /**
   * Seconds that this rank waited until all ranks had ended their forward pass. With `syncBatchNorm`, also within it.
   */
  waitSeconds: number;
  /** Seconds from the end of the backward pass until all was summed. With `syncBatchNorm`, also within it. */
  sumSeconds: number;
};

export type NativeGroupOptions = {
  /** 0..size-1 */
  rank: number;
  size: number;
  /** Where the store of the group is: a name or an IP address, and a port. */
  address: string;
  port: number;
  /** Whether this process runs the store. */
  serves: boolean;
  /** Of the group's keys in the store. */
  prefix: string;
  /** The interface to listen on; '': the one that leads to `address`. */
  interface: string;
  /** Seconds that a rank may keep the others waiting. */
  timeout: number;
  /** This machine's name, for messages. */
  host: string;
};

/**
 * Processes that compute together. All ranks must call the same methods in the same order. If a method cannot succeed,
 * it throws GROUP_FAILED on all ranks, with the rank that is the cause, and the group has failed for good.
 */
export class Group {
  /** Waits until all ranks have joined. */
  static join(options: NativeGroupOptions): Promise<Group>;
  /**
   * Ends the waiting of all groups that this thread of JavaScript has joined, which cannot be used any more, and of
   * those that still join. The same happens when the process or the thread ends. If a thread ends while another rank
   * waits for an operation of it, all ranks are told.
   */
  static closeAll(): void;
  /**
   * From now on, a model on `device` may join, which is another GPU for each rank. Open the library for it first, by
   * `loadNccl()` of the loader.
   */
  useDevice(device: string): Promise<void>;
  /** The bytes of all ranks, by rank. */
  gather(bytes: Uint8Array): Promise<Uint8Array[]>;
  /** The bytes of rank 0. */
  broadcast(bytes: Uint8Array): Promise<Uint8Array>;
  /** The sums over all ranks, element by element. */
  sum(values: Float64Array): Promise<Float64Array>;
  /** On rank 0: says that it has come to the point `name`. On others: waits for that, for as long as it takes. */
  pass(name: string): Promise<void>;
  /** Lets the group fail on all ranks, with `words` as the reason. Never waits for other ranks. */
  fail(words: string): Promise<void>;
}

export class Model {
  /**
   * Builds the network with torchvision's initial values, off the main thread. `initialize: false` skips the random
   * initialization and leaves those values undefined, for a network whose weights are loaded right away.
   */
  static create(options: NativeModelOptions, how?: {initialize: boolean}): Promise<Model>;
  /**
   * All parameters and persistent buffers in the order of torchvision's state dict. Runs on the calling thread, because
   * it is cheap.
   */
  parameters(): ParameterInfo[];
  /** From now on, only the parameters with these names get gradients. Call this before you create an optimizer. */
  setTrainable(names: string[]): Promise<void>;
  /**
   * From now on, whether training steps keep only a few maps of the backbone's body for the backward pass, which
   * computes the others again. Losses are the same; gradients may differ in their last digits.
   */
  setActivationCheckpointing(enabled: boolean): Promise<void>;
  stateDict(): Promise<StateTensor[]>;
  /**
   * Names and shapes must match the model exactly; `lib/weights` checks this. dtypes are converted. `consume` detaches
   * the arrays, so that memory never holds two copies: the garbage collector would free them too late. The model takes
   * over the memory of arrays from `lendBytes()`. Other arrays are freed as soon as they are copied.
   */
  loadStateDict(tensors: StateTensor[], options?: {consume: boolean}): Promise<void>;
  /**
   * Computes the five losses of a batch in training mode. `backward` also computes their gradients, multiplies them by
   * `lossScale` and adds them to the gradients of the parameters. `seeds`: see `Seeds`; without them, all images draw
   * from the model's own generator, one after the other, as in torchvision.
   */
  computeLosses(
    images: NativeImage[],
    targets: NativeTarget[],
    options: {backward: boolean; lossScale: number; seeds?: Seeds},
  ): Promise<Losses>;
  /**
   * From now on, `computeShare()` computes this rank's share of the batches of `group`. Every parameter and buffer gets
   * the value of rank 0. `wire`: the type in which gradients are sent and summed. With `syncBatchNorm`, batch norms
   * normalize by the images of all ranks. Call it after `setTrainable()`.
   */
  join(group: Group, options: {wire: 'float32' | 'bfloat16'; syncBatchNorm: boolean}): Promise<void>;
  /** Ends what `join()` began. */
  leave(): Promise<void>;
  /**
   * Like `computeLosses()` with `backward`, for a batch that is divided among the ranks of a group. All ranks must call
   * it, also those without an image of the batch. The losses are those of the whole batch. With `completes`, the
   * gradients become the sums over all ranks, of this batch and of those before it. Throws GROUP_FAILED.
   */
  computeShare(
    images: NativeImage[],
    targets: NativeTarget[],
    options: {lossScale: number; seeds: Seeds; completes: boolean},
  ): Promise<ShareOutcome>;
  /** Detects objects in evaluation mode, without gradients. */
  detect(images: NativeImage[], options: NativeDetectOptions): Promise<NativeDetections[]>;
  /** The intermediate results of detection, for the parity tests. `native/model/mask_rcnn.h` lists their names. */
  trace(images: NativeImage[]): Promise<TracedTensor[]>;
  /**
   * Measures one detection, stage by stage: seconds, and floating-point operations of the convolutions and linear
   * layers (two for each multiply-add). `convolutionRate` is the number of such operations per second that a plain
   * large convolution reaches on this machine.
   */
  stageCosts(
    images: NativeImage[],
    options: NativeDetectOptions,
  ): Promise<{convolutionRate: number; stages: {stage: string; seconds: number; flops: number}[]}>;
  /** L2 norm of each parameter's gradient, by name. 0 if a parameter has no gradient. */
  gradientNorms(): Promise<Record<string, number>>;
  /**
   * Number of captured graphs that detection holds. With the option `graphs`, on a GPU, there is one for each of the
   * most recent input sizes that occurred at least twice.
   */
  graphs(): Promise<number>;
  /** Seeds the samplers' generator. It then has the state that `torch.manual_seed(seed)` gives Python's generator. */
  seed(seed: number): Promise<void>;
  /** Frees the tensors when the running calls have finished. Later calls throw DISPOSED. You can call it again. */
  dispose(): void;
}

/** Names of parameters that share a learning rate multiplier and a weight decay. */
export type ParameterGroup = {parameters: string[]; lrMultiplier: number; weightDecay: number};

export type NativeOptimizerOptions =
  | {type: 'sgd'; momentum: number; nesterov: boolean; groups: ParameterGroup[]}
  | {type: 'adamw'; betas: [number, number]; eps: number; groups: ParameterGroup[]};

/** Keeps its model alive. Runs on the model's worker thread. */
export class Optimizer {
  constructor(model: Model, options: NativeOptimizerOptions);
  /**
   * Clips the gradients to `clipNorm` (L2 norm over all parameters; null: no clipping), takes one step with the
   * learning rate `lr`, and clears the gradients. Resolves to the norm before clipping. If that norm is not finite, no
   * step is taken.
   */
  step(options: {lr: number; clipNorm: number | null}): Promise<number>;
  zeroGrad(): Promise<void>;
  scaleGradients(factor: number): Promise<void>;
  /**
   * Updates the moving average of the weights: average = decay × average + (1 - decay) × weights, for every parameter
   * and floating-point buffer. The first call copies the weights.
   */
  updateAverage(decay: number): Promise<void>;
  /**
   * Swaps weights and averages, so that the model detects with the averages and saves them. A second call swaps them
   * back. Call no other method of the optimizer in between. Does nothing before the first average.
   */
  swapAverage(): Promise<void>;
  /**
   * Momentum buffers, or moments and the step count, as `NAME.momentum_buffer`, `NAME.exp_avg`, `NAME.exp_avg_sq`,
   * `NAME.step`. Also `NAME.average` if there are averages.
   */
  stateDict(): Promise<StateTensor[]>;
  loadStateDict(tensors: StateTensor[]): Promise<void>;
}

export type NativeRoiAlignOptions = {
  spatialScale: number;
  outputSize: number;
  samplingRatio: number;
  /** Use bfloat16 for inputs and results, and float32 for sums. Default false. */
  bfloat16?: boolean;
  /** Store the cells of each channel side by side internally. This does not change the results. Default false. */
  flattened?: boolean;
};

/**
 * The operators on plain arrays. They run on the calling thread and are meant for tests and small jobs. Wrong types
 * throw TypeError. Wrong lengths, NaN or infinite coordinates and malformed run lengths throw RangeError.
 */
export const ops: {
  /** Indices of the boxes to keep, highest score first (torchvision `nms`). boxes: D×4, scores: D. */
  nms(boxes: Float32Array, scores: Float32Array, iouThreshold: number): Int32Array;
  /** Non-maximum suppression within each group (torchvision `batched_nms`). groups: D. */
  batchedNms(boxes: Float32Array, scores: Float32Array, groups: Int32Array, iouThreshold: number): Int32Array;
  /**
   * The instance of each box: its index, -1 for the background, or -2 for a box that is ignored (torchvision's
   * `Matcher`). instances: G×4; boxes: R×4. `allowLowQuality` also matches the boxes that overlap an instance most.
   * With `pairsAtOnce`, libtorch's operators compute it, for as many pairs at a time, as on a GPU.
   */
  matchBoxes(
    instances: Float32Array,
    boxes: Float32Array,
    options: {highThreshold: number; lowThreshold: number; allowLowQuality: boolean; pairsAtOnce?: number},
  ): Int32Array;
  /**
   * ROIAlign with aligned=false. input: N×C×H×W; rois: R×5 (image, x0, y0, x1, y1 before scaling). Returns
   * R×C×outputSize×outputSize.
   */
  roiAlign(
    input: Float32Array,
    inputShape: [number, number, number, number],
    rois: Float32Array,
    options: NativeRoiAlignOptions,
  ): Float32Array;
  /** Gradient of `roiAlign` with respect to its input, N×C×H×W. */
  roiAlignBackward(
    gradOutput: Float32Array,
    inputShape: [number, number, number, number],
    rois: Float32Array,
    options: NativeRoiAlignOptions,
  ): Float32Array;
  /** 3×3 convolution with stride 1 and zero padding of 1. input: N×C×H×W; weight: outputs×C×3×3; bias: outputs. */
  winogradConvolution(
    input: Float32Array,
    inputShape: [number, number, number, number],
    weight: Float32Array,
    outputs: number,
    bias: Float32Array,
    options?: {bfloat16?: boolean; relu?: boolean},
  ): Float32Array;
  /** Gradient of `winogradConvolution` with respect to its weights. gradOutput: N×outputs×H×W. */
  winogradWeightGradient(
    input: Float32Array,
    inputShape: [number, number, number, number],
    gradOutput: Float32Array,
    outputs: number,
  ): Float32Array;
  /**
   * Gradient of a side×side convolution with stride 1, padding of (side - 1) / 2 and all operands in bfloat16, with
   * respect to its weights, by AMX. input: N×C×H×W; gradOutput: N×outputs×H×W. C and outputs are multiples of 32, and
   * side is 1 or 3. Returns outputs×C×side×side.
   */
  amxWeightGradient(
    input: Float32Array,
    inputShape: [number, number, number, number],
    gradOutput: Float32Array,
    outputs: number,
    side: number,
  ): Float32Array;
  /**
   * A convolution as in training, with the sum with another map and ReLU after it, and its gradients. x: N×C×H×W;
   * weight: outputs×(C/groups)×kernel; bias: outputs; gradOutput and addend: N×outputs and the size of the output. The
   * lists are of rows and columns.
   */
  convolutionGradients(
    x: Float32Array,
    shape: [number, number, number, number],
    weight: Float32Array,
    options: {
      kernel: Int32Array;
      stride: Int32Array;
      padding: Int32Array;
      outputs: number;
      groups: number;
      bfloat16: boolean;
      relu: boolean;
      bias?: Float32Array | undefined;
      addend?: Float32Array | undefined;
    },
    gradOutput: Float32Array,
  ): {
    output: Float32Array;
    x: Float32Array;
    weight: Float32Array;
    /** Only with `bias`. */
    bias?: Float32Array;
    /** Only with `addend`. */
    addend?: Float32Array;
  };
  /**
   * Batch norm in training, and its gradients, on channels-last maps. x and gradOutput: N×C×H×W; weight and bias: C.
   * `variance` is the unbiased one, as in the running statistics. `bfloat16` rounds x, gradOutput, output and gradX.
   * `end` is what follows the norm: the sum with `addend`, as large as x, if there is one, and ReLU.
   */
  batchNorm(
    x: Float32Array,
    shape: [number, number, number, number],
    weight: Float32Array,
    bias: Float32Array,
    eps: number,
    gradOutput: Float32Array,
    bfloat16: boolean,
    end?: {addend?: Float32Array; relu: boolean},
  ): {
    output: Float32Array;
    mean: Float32Array;
    variance: Float32Array;
    gradX: Float32Array;
    gradWeight: Float32Array;
    gradBias: Float32Array;
    /** Only with `addend`. */
    gradAddend?: Float32Array;
  };
  /** The kernels for float32 products that this machine can run, the fastest first. */
  productKernels(): string[];
  /**
   * left · panel by one of these kernels, added to `result` if given. left: rows×depth, or depth×rows if `transposed`;
   * panel: depth×64; result: rows×64.
   */
  multiplyPanel(
    kernel: number,
    left: Float32Array,
    rows: number,
    depth: number,
    panel: Float32Array,
    options?: {transposed?: boolean; result?: Float32Array},
  ): Float32Array;
  /**
   * The mask logits of one class per roi: transposed 2×2 convolution with stride 2, ReLU, 1×1 convolution. x: R×C×S×S;
   * weight: C×channels×2×2; bias: channels; classWeight: R×channels; classBias: R. Returns R×2S×2S.
   */
  maskLogits(
    x: Float32Array,
    shape: [number, number, number, number],
    weight: Float32Array,
    channels: number,
    bias: Float32Array,
    classWeight: Float32Array,
    classBias: Float32Array,
  ): Float32Array;
  /** x · weightᵀ + bias. x: rows×inputs; weight: outputs×inputs; bias: outputs. Returns rows×outputs. */
  linear(
    x: Float32Array,
    rows: number,
    inputs: number,
    weight: Float32Array,
    outputs: number,
    bias: Float32Array,
  ): Float32Array;
  /** Gradients of `linear` with respect to its three inputs. gradOutput: rows×outputs. */
  linearGradients(
    x: Float32Array,
    rows: number,
    inputs: number,
    weight: Float32Array,
    outputs: number,
    gradOutput: Float32Array,
  ): {x: Float32Array; weight: Float32Array; bias: Float32Array};
  /**
   * Pastes the M×M mask probabilities of `box` into an image of height × width, as torchvision's `paste_masks_in_image`
   * does. M is `side`.
   */
  pasteMask(mask: Float32Array, side: number, box: Float32Array, width: number, height: number): Float32Array;
  /**
   * Mask targets of the boxes `rois` (R×4), side × side each. The result is that of torchvision's
   * `project_masks_on_boxes` for the mask of instance `matched[r]`, resized by nearest neighbour to resizedWidth ×
   * resizedHeight.
   */
  maskTargets(
    target: NativeTarget,
    image: {width: number; height: number; resizedWidth: number; resizedHeight: number},
    rois: Float32Array,
    matched: Int32Array,
    side: number,
  ): Float32Array;
};

/**
 * The same operations by torchvision's own operators. A GPU uses them; here they run on the CPU, so that tests can
 * compare ours with them. They throw if `environment().torchvision` is false.
 */
export const torchvisionOps: {
  nms: typeof ops.nms;
  roiAlign: typeof ops.roiAlign;
  roiAlignBackward: typeof ops.roiAlignBackward;
};

/**
 * Operations on COCO's run-length encoded masks, on the calling thread unless they return a promise. `counts` is the
 * compressed run-length encoding of a mask of width × height, as pycocotools writes it. Wrong types throw TypeError.
 * Malformed counts and lengths throw RangeError. Letters: D detected masks, G ground-truth masks.
 */
export const rle: {
  /** Encodes a row-major bitmap. Every value except 0 is the object. */
  encode(bitmap: Uint8Array, width: number, height: number): string;
  /** Encodes a bitmap of a part of the image. */
  encodeCrop(mask: NativeCrop, width: number, height: number): string;
  /** Compresses run lengths. */
  fromRuns(runs: number[], width: number, height: number): string;
  /** Returns a row-major bitmap of 0 and 1. */
  decode(counts: string, width: number, height: number): Uint8Array;
  /** The bitmap of the object's bounding box. 0 × 0 pixels if the mask is empty. */
  crop(counts: string, width: number, height: number): NativeCrop;
  toRuns(counts: string, width: number, height: number): Uint32Array;
  /**
   * What the mask shows of a rectangle of rectWidth × rectHeight, whose first pixel is in column `left` and row `top`
   * of the mask. The rectangle can reach outside of the mask, where nothing is.
   */
  within(
    counts: string,
    width: number,
    height: number,
    left: number,
    top: number,
    rectWidth: number,
    rectHeight: number,
  ): string;
  /** Areas of the D masks, in pixels. */
  areas(counts: string[], width: number, height: number): Float64Array;
  /** Bounding boxes of the D masks as left, top, width, height. All zeros for an empty mask. */
  boxes(counts: string[], width: number, height: number): Float64Array;
  /**
   * Areas and bounding boxes of the D masks, and each mask as run lengths of its box, '' for an empty one. On libuv's
   * thread pool.
   */
  trim(
    counts: string[],
    width: number,
    height: number,
  ): Promise<{areas: Float64Array; boxes: Float64Array; counts: string[]}>;
  /** Union or intersection of one or more masks. */
  merge(counts: string[], width: number, height: number, intersect: boolean): string;
  /** D×G: intersection over union. If crowd[g] is 1, intersection over the area of the detection. */
  iou(detected: string[], truth: string[], crowd: Uint8Array, width: number, height: number): Float64Array;
  /**
   * What masks of two lists show of a rectangle of width × height, and the P pairs of a mask of each list that share
   * pixels of it, in the order of the lists. On libuv's thread pool. places: D×4 and G×4, the left, top, width and
   * height of each mask, counted from the first pixel of the rectangle. areas: D; otherAreas: G; pairs: P×2, the index
   * in `masks` and that in `others`; pixels: P, how many they share.
   */
  sharedPixels(
    masks: string[],
    places: Int32Array,
    others: string[],
    otherPlaces: Int32Array,
    width: number,
    height: number,
  ): Promise<{areas: Float64Array; otherAreas: Float64Array; pairs: Int32Array; pixels: Float64Array}>;
  /**
   * Decodes the segmentations of one image on libuv's thread pool, one segment for each. A malformed segmentation
   * becomes a fault; arguments of a wrong type or size are refused.
   */
  readSegmentations(
    segmentations: readonly NativeSegmentation[],
    width: number,
    height: number,
    crops: boolean,
  ): Promise<NativeSegment[]>;
  /**
   * The polygons of a mask, on libuv's thread pool: see `native/masks/outline.h`. tolerance: that of the
   * simplification, in pixels; 0 leaves the rings as they are. Malformed counts become a fault.
   */
  outlines(counts: string, width: number, height: number, tolerance: number): Promise<NativeOutlines>;
  /**
   * Measures R objects, on libuv's thread pool and libtorch's threads: see `native/masks/measure.h`. Returns a column
   * of R numbers for each measurement. With an image there are `intensity_mean-C`, `intensity_std-C`,
   * `intensity_min-C` and `intensity_max-C` for each channel C, from 0. If some mask is malformed, the first of them
   * becomes a fault.
   */
  measure(
    counts: readonly string[],
    width: number,
    height: number,
    image: NativePixels | null,
  ): Promise<Record<string, Float64Array> | {index: number; fault: string}>;
};

/**
 * A mask as compressed run lengths, as the lengths themselves, or as the union of polygons and bitmaps. points:
 * alternating x and y, in pixels, within 2^20 of 0. Ring i ends before number ends[i]. Polygon k ends before ring
 * polygons[k]; a pixel belongs to it if it is in an odd number of its rings, by cocoapi's rule. Default: each ring is a
 * polygon.
 */
export type NativeSegmentation =
  | string
  | Float64Array
  | {points: Float64Array; ends: Int32Array; polygons?: Int32Array; bitmaps?: readonly NativeCrop[]};

/** A decoded mask, or why it cannot be decoded. box: left, top, width, height. crop: only if asked for. */
export type NativeSegment =
  | {counts: string; area: number; box: [number, number, number, number]; crop?: NativeCrop}
  | {fault: string};

/** Rings and polygons as in `NativeSegmentation`, the outer ring of each polygon first; or why there are none. */
export type NativeOutlines = {points: Int32Array; ends: Int32Array; polygons: Int32Array} | {fault: string};

/**
 * Values of the pixels of an image in row-major order, with the channels of a pixel side by side. Those that are `lent`
 * are not copied: nobody may change or transfer them until the promise is settled.
 */
export type NativePixels = {data: Uint8Array | Uint16Array | Float32Array; channels: number; lent?: boolean};

/** A row-major bitmap (1 = object, 0 = not) of a rectangle of an image, in whole pixels. */
export type NativeCrop = {left: number; top: number; width: number; height: number; data: Uint8Array};

/** Ground-truth objects of a data set, or detections on it. Letters: I images, K classes, R objects. */
export type NativeObjects = {
  /** R image indices, 0..I-1. */
  images: Int32Array;
  /** R class indices, 0..K-1. */
  classes: Int32Array;
  /** R×4: left, top, width, height in pixels. Required for shape 'box'. */
  boxes: Float64Array;
  /** The compressed run lengths of all objects, one after the other, in ASCII. Required for shape 'mask'. */
  masks: Uint8Array;
  /** R end positions in `masks`, one per object. */
  ends: Float64Array;
};

export type NativeEvaluationData = {
  classes: number;
  /** I×2: width, height. */
  sizes: Int32Array;
  /** areas: R, in pixels. crowd: R, 1 for a region of many objects, else 0. */
  truth: NativeObjects & {areas: Float64Array; crowd: Uint8Array};
  detected: NativeObjects & {scores: Float64Array};
  shape: 'box' | 'mask';
};

/** Letters: T IoU thresholds, P recall points, A area ranges, M limits, K classes. */
export type NativeCocoOptions = {
  /** At most 32. */
  iouThresholds: number[];
  recallPoints: number[];
  /** Minimum and maximum area of each range, alternating. */
  areaRanges: number[];
  /** Maximum numbers of detections per image and class, ascending. The detections with the highest scores count. */
  limits: number[];
};

/** The value is -1 if a class has no object in an area range. */
export type NativeCocoCurves = {
  /** T×P×K×A×M. */
  precision: Float64Array;
  /** T×P×K×A×M: score of the detection at which this recall is reached. */
  scores: Float64Array;
  /** T×K×A×M: the maximum recall. */
  recall: Float64Array;
  matches: NativeCocoMatches;
};

/**
 * The matches that the curves of the first area range and the last limit are made of: class by class, then image by
 * image, then by descending score. Letters: D detections, C pairs of a class and an image with objects of it.
 */
export type NativeCocoMatches = {
  /** D image indices. */
  images: Int32Array;
  /** D class indices. */
  classes: Int32Array;
  /** D scores. */
  scores: Float64Array;
  /** D sets of bits: bit t, whether the detection matches an object at IoU threshold t. */
  matched: Uint32Array;
  /** D sets of bits: bit t, whether it is neither right nor wrong at IoU threshold t. */
  ignored: Uint32Array;
  /** C image indices, C class indices, and C numbers of objects to find. */
  wantedImages: Int32Array;
  wantedClasses: Int32Array;
  wanted: Int32Array;
};

/** Evaluation. Runs on libuv's thread pool and libtorch's threads. Arrays are read before the calls return. */
export const evaluation: {
  /** pycocotools' COCOeval: evaluate and accumulate. */
  coco(data: NativeEvaluationData, options: NativeCocoOptions): Promise<NativeCocoCurves>;
  /** Confusion matrix, (K+1)×(K+1): see `native/evaluation/confusion.h`. */
  confusion(data: NativeEvaluationData, options: {iouThreshold: number; scoreThreshold: number}): Promise<Int32Array>;
};

/** Masks in the layout of `NativeTarget`. */
export type NativeMasks = Pick<NativeTarget, 'maskRects' | 'maskData'>;

export type NativeWarpOptions = {
  /** Size of the result in pixels. */
  width: number;
  height: number;
  /**
   * Maps the centre (x, y) of a pixel of the result to the input: m[0]x + m[1]y + m[2], m[3]x + m[4]y + m[5]. The
   * centre of the first pixel is at (0.5, 0.5).
   */
  matrix: number[];
  /**
   * Displacement that is added to the mapped position: a uniform cubic B-spline over the result. The control point in
   * column i, row j is located at ((i - 1)·spacing, (j - 1)·spacing). It adds points[2(j·columns + i)] in x and the
   * next number in y. Null: no displacement.
   */
  grid: {columns: number; rows: number; spacing: number; points: Float32Array} | null;
  /** R, G, B of the area outside of the input. Null: the input is mirrored at its borders. */
  fill: [number, number, number] | null;
  /**
   * The input is first averaged over squares of this side length, against aliasing when the image is made smaller. 1:
   * no averaging.
   */
  shrink: number;
};

/** Letters: S instances of the result. */
export type NativeWarped = {
  data: Uint8Array;
  /**
   * S indices of the input instances that the results come from, ascending. An instance that vanishes is left out. If a
   * mirroring border repeats an instance apart from itself, its index occurs more than once.
   */
  sources: Int32Array;
  /** S areas of those instances in the input, in pixels. */
  sourceAreas: Int32Array;
  /** S areas of the resulting instances, in pixels. */
  areas: Int32Array;
  /** S×4. */
  maskRects: Int32Array;
  maskData: Uint8Array;
};

/**
 * Pixel operations of augmentation, on libuv's thread pool. Typed arrays are read before the calls return. Wrong types
 * throw TypeError; wrong lengths and values throw RangeError.
 */
export const pixels: {
  /** Transforms an image (bilinear) and its masks (nearest neighbour) with the same map, in one resampling. */
  warp(image: NativeImage, masks: NativeMasks, options: NativeWarpOptions): Promise<NativeWarped>;
  /** Multiplies each pixel (R, G, B, 1) by the 3×4 `matrix`, which is given row by row. Rounds and clips to 0..255. */
  adjustColors(pixels: Uint8Array, matrix: number[]): Promise<Uint8Array>;
  /** As `adjustColors`, but on optical densities log10(256 / (value + 1)) instead of values. */
  adjustDensities(pixels: Uint8Array, matrix: number[]): Promise<Uint8Array>;
};

/** libtorch's version, the default of `threads` for models, and the CPU capability that libtorch dispatches to. */
export function environment(): {
  libtorch: string;
  threads: number;
  cpuCapability: string;
  /** Whether this process can multiply tiles of bfloat16 by Intel's AMX. */
  amx: boolean;
  /** Number of GPUs that libtorch can use. */
  gpus: number;
  /** Whether torchvision's operators are loaded. A GPU cannot be used without them. */
  torchvision: boolean;
};

/**
 * Sets the default of `threads`, which is libtorch's own before: the number of cores, or OMP_NUM_THREADS. It also holds
 * for computations that belong to no model. Throws RangeError unless it is an integer in 1..4096.
 */
export function setThreads(threads: number): void;

/**
 * GPU memory of libtorch, in bytes: used by tensors, reserved from the driver, and the peak of the latter. Throws
 * RangeError if there is no such GPU.
 */
export function gpuMemory(index: number): {allocated: number; reserved: number; peakReserved: number};

/**
 * Allocates the memory of a tensor, without clearing it. Fill it and pass it to `loadStateDict()`, which then does not
 * copy it. length: bytes, at least 1.
 */
export function lendBytes(length: number): Uint8Array;

/**
 * Frees the memory of an array at once, which is empty from then on, instead of when the garbage collector comes to it.
 * Nothing may be reading it. An array that is only a part of its buffer is left as it is.
 */
export function freeBytes(array: ArrayBufferView): void;

/**
 * Simulates the allocation of the blocks for large tensors in `capacity` bytes, for tests. script: a positive entry is
 * a size in bytes to allocate; an entry i <= 0 frees the block that entry -i allocated. Returns the offset of each
 * allocated block; -1 if no free block was large enough, and for entries that free a block.
 */
export function placeBlocks(capacity: number, script: Int32Array): Int32Array;
