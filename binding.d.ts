/**
 * The contract between TypeScript and the C++ addon: the only thing that both sides obey. `scripts/check-binding.ts`
 * holds it against the addon's real exports.
 *
 * Typed arrays, plain objects and handles cross; tensors never do. Options arrive complete and valid: TypeScript
 * (`lib/model/check-options.ts`, `complete-options.ts`) checks them and fills in the defaults. Methods that return a promise run on the model's own worker
 * thread, first in, first out; typed arrays handed to them are read before they return. Errors carry a `code` of
 * `ErrorCode` (`lib/basics/errors.ts`).
 *
 * Letters: N images, R instances of an image, D detections, H W rows and columns, K classes with the background.
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

/** torchvision's `MultiScaleRoIAlign`. */
export type RoiPoolOptions = {
  /** Feature maps to pool from, by torchvision's names: '0' is the finest, 'pool' the max-pooled last one. */
  featmapNames: string[];
  /** Side of the pooled square, in cells. */
  outputSize: number;
  /** Samples per cell and axis; 0 takes `ceil(roi side / outputSize)`. */
  samplingRatio: number;
};

/** torchvision's constructor arguments (`models/detection/mask_rcnn.py`, `faster_rcnn.py`), complete. */
export type NativeModelOptions = {
  backbone: BackboneName;
  /** 1: `maskrcnn_*_fpn`; 2: `_fpn_v2` (batch norm in FPN and heads, two RPN convolutions, four box convolutions). */
  version: 1 | 2;
  /** K: classes with the background as class 0. */
  numClasses: number;
  backboneNorm: 'frozen' | 'batch';
  /** eps of every frozen batch norm: 1e-5, or 0 for COCO_V1 weights (`overwrite_eps`). */
  frozenBatchNormEps: number;
  /** Stages trained, counted from the last: 0..5 for ResNets, 0..6 for MobileNets. */
  trainableBackboneLayers: number;
  /** Stages that feed the FPN. ResNet: 1..4; MobileNet: indices into its stages. */
  returnedLayers: number[];
  /** Candidate lengths of the shorter side in pixels; training draws one, detection takes the last. */
  minSize: number[];
  maxSize: number;
  imageMean: [number, number, number];
  imageStd: [number, number, number];
  sizeDivisible: number;
  /** [width, height] that every image is resized to, or null. */
  fixedSize: [number, number] | null;
  skipResize: boolean;
  /** Pixels; one list per feature level. */
  anchorSizes: number[][];
  /** height / width; one list per feature level. */
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
  /** Of convolutions and linear maps; parameters, gradients, boxes and losses are float32 in each. */
  precision: 'float32' | 'bfloat16' | 'float16';
  /** What a GPU may round float32 to TF32 for. For the whole process, as the model that computed last has it. */
  tf32: 'none' | 'convolutions' | 'all';
  /** Whether detection on a GPU runs body, pyramid and RPN head as a captured graph. */
  graphs: boolean;
  /** Seeds the initial weights and, after them, the samplers. */
  seed: number;
};

/** Pixels in reading order, three bytes each: R, G, B in 0..255. `data.length === width * height * 3`. */
export type NativeImage = {data: Uint8Array; width: number; height: number};

/**
 * The instances of one image. Masks stay cropped: instance i covers the rectangle `maskRects[4i..4i+3]` (left, top, width,
 * height; whole pixels inside the image), and its bitmap (1 = object, 0 = not; reading order) follows that of instance
 * i-1 in `maskData`.
 */
export type NativeTarget = {
  /** R×4: x0, y0, x1, y1 in pixels of the image, x0 < x1, y0 < y1. */
  boxes: Float32Array;
  /** R: 1..K-1. */
  labels: Int32Array;
  /** R×4. */
  maskRects: Int32Array;
  maskData: Uint8Array;
};

/** torchvision's five losses, in its order. */
export type Losses = {
  loss_classifier: number;
  loss_box_reg: number;
  loss_mask: number;
  loss_objectness: number;
  loss_rpn_box_reg: number;
};

export type NativeDetectOptions = {
  /** Detections at or under it are dropped; never below the model's own `boxScoreThresh`. */
  scoreThreshold: number;
  /** At most this many detections an image, best first; never above `boxDetectionsPerImg`. */
  maxDetections: number;
  /**
   * 'rle': COCO's compressed run lengths; 'bitmap': H×W bytes of 0 and 1; 'float': H×W probabilities;
   * 'none': masks are not computed.
   */
  maskFormat: 'rle' | 'bitmap' | 'float' | 'none';
  /** A pixel belongs to the object where its probability is >= this. For 'rle' and 'bitmap'. */
  maskThreshold: number;
  /** 1: the image as it is; 2: and mirrored left to right; 4: and top to bottom, and both. Means over them. */
  views: 1 | 2 | 4;
};

/** Detections of one image, in falling order of score. */
export type NativeDetections = {
  /** D×4: x0, y0, x1, y1 in pixels of the image given. */
  boxes: Float32Array;
  /** D: 1..K-1. */
  labels: Int32Array;
  /** D: 0..1. */
  scores: Float32Array;
  /** D: by `maskFormat` a COCO counts string, H×W bytes, or H×W floats; empty for 'none'. */
  masks: string[] | Uint8Array[] | Float32Array[];
};

/** Names as in `torch.dtype`. */
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

/** One tensor of a state dict, contiguous, little-endian. */
export type StateTensor = {name: string; dtype: DType; shape: number[]; data: Uint8Array};

/** One parameter or buffer of a model, without its values. */
export type ParameterInfo = {
  name: string;
  shape: number[];
  dtype: DType;
  trainable: boolean;
  kind: 'parameter' | 'buffer';
};

/** An intermediate value for the parity tests. Integers arrive as floats. */
export type TracedTensor = {name: string; shape: number[]; data: Float32Array};

export class Model {
  /**
   * Builds the network with torchvision's initial values, off the main thread. `initialize: false` leaves the random ones undefined,
   * for a network that is loaded at once.
   */
  static create(options: NativeModelOptions, how?: {initialize: boolean}): Promise<Model>;
  /** Every parameter and persistent buffer in torchvision's state dict order. On the calling thread: cheap. */
  parameters(): ParameterInfo[];
  /** Exactly the parameters of these names get gradients from now on. To be called before an optimizer is made. */
  setTrainable(names: string[]): Promise<void>;
  stateDict(): Promise<StateTensor[]>;
  /**
   * The names and shapes must be exactly the model's: `lib/weights` has seen to it. dtypes are converted. `consume` detaches the
   * arrays: the memory of those from `lendBytes()` becomes the model's; others are freed as they are copied, so that memory never holds
   * two copies, since the garbage collector is late.
   */
  loadStateDict(tensors: StateTensor[], options?: {consume: boolean}): Promise<void>;
  /**
   * The five losses of a batch in training mode; `backward` also adds their gradients, times `lossScale`, to the
   * parameters'.
   */
  computeLosses(
    images: NativeImage[],
    targets: NativeTarget[],
    options: {backward: boolean; lossScale: number},
  ): Promise<Losses>;
  /** Detection in evaluation mode, without gradients. */
  detect(images: NativeImage[], options: NativeDetectOptions): Promise<NativeDetections[]>;
  /** The stages of detection, each by its name, for the parity tests: see `native/model/mask_rcnn.h`. */
  trace(images: NativeImage[]): Promise<TracedTensor[]>;
  /**
   * What one detection costs, stage by stage: seconds, and floating-point operations of convolutions and linear maps (two for a
   * multiply and add); and how many of these a second a plain large convolution reaches on this machine.
   */
  stageCosts(
    images: NativeImage[],
    options: NativeDetectOptions,
  ): Promise<{convolutionRate: number; stages: {stage: string; seconds: number; flops: number}[]}>;
  /** L2 norm of each parameter's gradient by name; 0 where there is none. */
  gradientNorms(): Promise<Record<string, number>>;
  /** How many captured graphs detection has: with the option `graphs`, on a GPU, one for each of the last sizes that came twice. */
  graphs(): Promise<number>;
  /** State of the samplers' generator, to be kept in a checkpoint. */
  randomState(): Promise<Uint8Array>;
  setRandomState(state: Uint8Array): Promise<void>;
  /** Puts the samplers' generator where `torch.manual_seed(seed)` puts Python's. */
  seed(seed: number): Promise<void>;
  /** Frees the tensors once the calls under way have ended. Later calls throw DISPOSED. May be called again. */
  dispose(): void;
}

/** Parameters by name that share a rate multiplier and a weight decay. */
export type ParameterGroup = {parameters: string[]; lrMultiplier: number; weightDecay: number};

export type NativeOptimizerOptions =
  | {type: 'sgd'; momentum: number; nesterov: boolean; groups: ParameterGroup[]}
  | {type: 'adamw'; betas: [number, number]; eps: number; groups: ParameterGroup[]};

/** Holds its model alive. Runs on the model's worker. */
export class Optimizer {
  constructor(model: Model, options: NativeOptimizerOptions);
  /**
   * Clips the gradients to `clipNorm` (L2 over all parameters; null: no clipping), takes one step at rate `lr`, and clears
   * the gradients. Resolves to the norm before clipping; where that is not finite, no step is taken.
   */
  step(options: {lr: number; clipNorm: number | null}): Promise<number>;
  zeroGrad(): Promise<void>;
  scaleGradients(factor: number): Promise<void>;
  /**
   * average = decay × average + (1 - decay) × weights, for every parameter and floating-point buffer. The first call takes
   * the weights as they are.
   */
  updateAverage(decay: number): Promise<void>;
  /**
   * Exchanges weights and averages, so that the model detects with and saves the averages; the same call again undoes it. In
   * between no other method may be called. Does nothing before the first average.
   */
  swapAverage(): Promise<void>;
  /**
   * Momentum buffers or moments and the step count, as `NAME.momentum_buffer`, `NAME.exp_avg`, `NAME.exp_avg_sq`,
   * `NAME.step`; and `NAME.average` once there are averages.
   */
  stateDict(): Promise<StateTensor[]>;
  loadStateDict(tensors: StateTensor[]): Promise<void>;
}

export type NativeRoiAlignOptions = {
  spatialScale: number;
  outputSize: number;
  samplingRatio: number;
  /** Compute from and to bfloat16, with sums in float32. Default false. */
  bfloat16?: boolean;
  /** Let each channel's cells lie side by side inside, which changes no number. Default false. */
  flattened?: boolean;
};

/**
 * The operators on plain arrays, on the calling thread: for tests and small jobs. Wrong types throw TypeError; wrong
 * lengths, NaN or infinite coordinates and malformed run lengths throw RangeError.
 */
export const ops: {
  /** Indices kept, best first (torchvision `nms`). boxes: D×4, scores: D. */
  nms(boxes: Float32Array, scores: Float32Array, iouThreshold: number): Int32Array;
  /** The same within each group (torchvision `batched_nms`). groups: D. */
  batchedNms(boxes: Float32Array, scores: Float32Array, groups: Int32Array, iouThreshold: number): Int32Array;
  /**
   * ROIAlign, aligned=false. input: N×C×H×W; rois: R×5 (image, x0, y0, x1, y1 before scaling). Returns
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
  /** Convolution of 3×3, stride 1, one zero around. input: N×C×H×W; weight: outputs×C×3×3; bias: outputs. */
  winogradConvolution(
    input: Float32Array,
    inputShape: [number, number, number, number],
    weight: Float32Array,
    outputs: number,
    bias: Float32Array,
  ): Float32Array;
  /** Gradient with respect to its weights. gradOutput: N×outputs×H×W. */
  winogradWeightGradient(
    input: Float32Array,
    inputShape: [number, number, number, number],
    gradOutput: Float32Array,
    outputs: number,
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
  /** Gradients of `linear` with respect to what it reads. gradOutput: rows×outputs. */
  linearGradients(
    x: Float32Array,
    rows: number,
    inputs: number,
    weight: Float32Array,
    outputs: number,
    gradOutput: Float32Array,
  ): {x: Float32Array; weight: Float32Array; bias: Float32Array};
  /** Probabilities mask M×M of `box` pasted into height × width as torchvision's `paste_masks_in_image` does. */
  pasteMask(mask: Float32Array, side: number, box: Float32Array, width: number, height: number): Float32Array;
  /**
   * Mask targets of the boxes `rois` (R×4), side × side each: what torchvision's `project_masks_on_boxes` makes of
   * instance `matched[r]`'s mask after it has been resized by nearest neighbour to resizedWidth × resizedHeight.
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
 * The same by torchvision's own operators, which serve a GPU and are called here on the CPU, to hold ours against. They throw where
 * `environment().torchvision` is false.
 */
export const torchvisionOps: {
  nms: typeof ops.nms;
  roiAlign: typeof ops.roiAlign;
  roiAlignBackward: typeof ops.roiAlignBackward;
};

/**
 * COCO's masks on the calling thread. `counts` are compressed run lengths of a mask of width × height, as pycocotools writes
 * them. Wrong types throw TypeError; malformed counts, polygons and lengths throw RangeError. Letters: D, G masks.
 */
export const rle: {
  /** From a bitmap in reading order, in which anything but 0 is the object. */
  encode(bitmap: Uint8Array, width: number, height: number): string;
  /** From a bitmap of a part of the image. */
  encodeCrop(mask: NativeCrop, width: number, height: number): string;
  /** From uncompressed run lengths. */
  fromRuns(runs: number[], width: number, height: number): string;
  /** The union of polygons. points: x and y in turn, in pixels; polygon i ends before number ends[i]. */
  fromPolygons(points: Float64Array, ends: Int32Array, width: number, height: number): string;
  /** 0 and 1, in reading order. */
  decode(counts: string, width: number, height: number): Uint8Array;
  /** The box around the object; of 0 × 0 pixels where there is none. */
  crop(counts: string, width: number, height: number): NativeCrop;
  toRuns(counts: string, width: number, height: number): Uint32Array;
  /** D: pixels. */
  areas(counts: string[], width: number, height: number): Float64Array;
  /** D×4: left, top, width, height; zeros where there is no object. */
  boxes(counts: string[], width: number, height: number): Float64Array;
  /** Union or intersection of one mask or more. */
  merge(counts: string[], width: number, height: number, intersect: boolean): string;
  /** D×G: intersection over union, or over the detection's own area where crowd[g] is 1. */
  iou(detected: string[], truth: string[], crowd: Uint8Array, width: number, height: number): Float64Array;
};

/** A bitmap (1 = object, 0 = not; reading order) of a rectangle of an image, in whole pixels. */
export type NativeCrop = {left: number; top: number; width: number; height: number; data: Uint8Array};

/** Objects of a data set, or what was found on it. Letters: I images, K classes, R objects. */
export type NativeObjects = {
  /** R: 0..I-1. */
  images: Int32Array;
  /** R: 0..K-1. */
  classes: Int32Array;
  /** R×4: left, top, width, height in pixels. Needed for shape 'box'. */
  boxes: Float64Array;
  /** The compressed run lengths of all, one after the other, in ASCII. Needed for shape 'mask'. */
  masks: Uint8Array;
  /** R: where in `masks` each one ends. */
  ends: Float64Array;
};

export type NativeEvaluationData = {
  classes: number;
  /** I×2: width, height. */
  sizes: Int32Array;
  /** areas: R, in pixels. crowd: R, 1 for a region of many objects. */
  truth: NativeObjects & {areas: Float64Array; crowd: Uint8Array};
  detected: NativeObjects & {scores: Float64Array};
  shape: 'box' | 'mask';
};

/** Letters: T IoU thresholds, P recall points, A ranges of area, M limits, K classes. */
export type NativeCocoOptions = {
  iouThresholds: number[];
  recallPoints: number[];
  /** Least and greatest area of each range, in turn. */
  areaRanges: number[];
  /** How many of the best detections of an image and class count; ascending. */
  limits: number[];
};

/** -1 where a class has no object in a range of area. */
export type NativeCocoCurves = {
  /** T×P×K×A×M. */
  precision: Float64Array;
  /** T×P×K×A×M: of the detection at which that recall is reached. */
  scores: Float64Array;
  /** T×K×A×M: the greatest. */
  recall: Float64Array;
};

/** On libuv's thread pool and libtorch's threads. Arrays are read before the calls return. */
export const evaluation: {
  /** pycocotools' COCOeval: evaluate and accumulate. */
  coco(data: NativeEvaluationData, options: NativeCocoOptions): Promise<NativeCocoCurves>;
  /** (K+1)×(K+1): see `native/evaluation/confusion.h`. */
  confusion(data: NativeEvaluationData, options: {iouThreshold: number; scoreThreshold: number}): Promise<Int32Array>;
};

/** Masks in the form of `NativeTarget`. */
export type NativeMasks = Pick<NativeTarget, 'maskRects' | 'maskData'>;

export type NativeWarpOptions = {
  /** Of the result. */
  width: number;
  height: number;
  /**
   * From the centre (x, y) of a pixel of the result to the input: m[0]x + m[1]y + m[2], m[3]x + m[4]y + m[5]. The first
   * pixel's centre is at (0.5, 0.5).
   */
  matrix: number[];
  /**
   * What is added to that: a uniform cubic B-spline over the result, whose control point (column i, row j) stands at
   * ((i - 1)·spacing, (j - 1)·spacing) and is points[2(j·columns + i)] in x, the next number in y. Null: nothing.
   */
  grid: {columns: number; rows: number; spacing: number; points: Float32Array} | null;
  /** R, G, B of what lies outside of the input; null: the input is mirrored at its borders. */
  fill: [number, number, number] | null;
  /** Squares of this side are averaged before, against aliasing where the image is made smaller. 1: none. */
  shrink: number;
};

/** Letters: S instances of the result. */
export type NativeWarped = {
  data: Uint8Array;
  /**
   * S: which instance of the input each one comes from, ascending. One that vanishes is left out; one that a mirroring border
   * repeats apart from itself is there more than once.
   */
  sources: Int32Array;
  /** S: pixels of that instance in the input. */
  sourceAreas: Int32Array;
  /** S: pixels. */
  areas: Int32Array;
  /** S×4. */
  maskRects: Int32Array;
  maskData: Uint8Array;
};

/**
 * The pixel work of augmentation, on libuv's thread pool. Typed arrays are read before the calls return. Wrong types throw
 * TypeError, wrong lengths and values RangeError.
 */
export const pixels: {
  /** Moves image (bilinear) and masks (nearest neighbour) through one map in one resampling. */
  warp(image: NativeImage, masks: NativeMasks, options: NativeWarpOptions): Promise<NativeWarped>;
  /** Each pixel (R, G, B, 1) times the 3×4 `matrix` given row by row, rounded and cut to 0..255. */
  adjustColors(pixels: Uint8Array, matrix: number[]): Promise<Uint8Array>;
  /** The same on optical densities log10(256 / (value + 1)) instead of values. */
  adjustDensities(pixels: Uint8Array, matrix: number[]): Promise<Uint8Array>;
};

/** libtorch's version, thread count and the CPU capability it dispatches to. */
export function environment(): {
  libtorch: string;
  threads: number;
  cpuCapability: string;
  /** GPUs that libtorch can use. */
  gpus: number;
  /** Whether torchvision's operators are in the process, without which a GPU is of no use. */
  torchvision: boolean;
};

/**
 * What libtorch holds of a GPU's memory, in bytes: used by tensors, taken from the driver, and the most that was. Throws RangeError
 * where there is no such GPU.
 */
export function gpuMemory(index: number): {allocated: number; reserved: number; peakReserved: number};

/** A tensor's memory, not cleared, to be filled and given to `loadStateDict()`, which then need not copy it. length: bytes, at least 1. */
export function lendBytes(length: number): Uint8Array;

/**
 * Where the blocks that large tensors live in come to lie in `capacity` bytes. script: sizes in bytes to take, and numbers i <= 0 to
 * give back what entry -i took. Returns an offset for each entry, -1 for what found no room or was given back.
 */
export function placeBlocks(capacity: number, script: Int32Array): Int32Array;
