import type {NativeModelOptions} from '../../binding.js';

/** torchvision's defaults for `maskrcnn_resnet50_fpn` with frozen batch norm, written out in full. */
const defaults: NativeModelOptions = {
  backbone: 'resnet50',
  version: 1,
  numClasses: 91,
  backboneNorm: 'frozen',
  frozenBatchNormEps: 1e-5,
  trainableBackboneLayers: 3,
  returnedLayers: [1, 2, 3, 4],
  minSize: [800],
  maxSize: 1333,
  imageMean: [0.485, 0.456, 0.406],
  imageStd: [0.229, 0.224, 0.225],
  sizeDivisible: 32,
  fixedSize: null,
  skipResize: false,
  anchorSizes: [[32], [64], [128], [256], [512]],
  anchorAspectRatios: Array.from({length: 5}, () => [0.5, 1, 2]),
  rpnPreNmsTopNTrain: 2000,
  rpnPreNmsTopNTest: 1000,
  rpnPostNmsTopNTrain: 2000,
  rpnPostNmsTopNTest: 1000,
  rpnNmsThresh: 0.7,
  rpnFgIouThresh: 0.7,
  rpnBgIouThresh: 0.3,
  rpnBatchSizePerImage: 256,
  rpnPositiveFraction: 0.5,
  rpnScoreThresh: 0,
  boxRoiPool: {featmapNames: ['0', '1', '2', '3'], outputSize: 7, samplingRatio: 2},
  maskRoiPool: {featmapNames: ['0', '1', '2', '3'], outputSize: 14, samplingRatio: 2},
  boxScoreThresh: 0.05,
  boxNmsThresh: 0.5,
  boxDetectionsPerImg: 100,
  boxFgIouThresh: 0.5,
  boxBgIouThresh: 0.5,
  boxBatchSizePerImage: 512,
  boxPositiveFraction: 0.25,
  bboxRegWeights: [10, 10, 5, 5],
  device: 'cpu',
  precision: 'float32',
  tf32: 'convolutions',
  graphs: false,
  seed: 0,
};

/** Small images and few proposals, so that a training step takes seconds. */
const small: NativeModelOptions = {
  ...defaults,
  minSize: [64, 80],
  maxSize: 112,
  rpnPreNmsTopNTrain: 60,
  rpnPreNmsTopNTest: 60,
  rpnPostNmsTopNTrain: 50,
  rpnPostNmsTopNTest: 40,
  rpnBatchSizePerImage: 64,
  boxBatchSizePerImage: 16,
  boxDetectionsPerImg: 25,
};

/** The networks of `scripts/fixtures/parity_models.py`. */
export const CONFIGS = {
  resnet50_v1: {...small, numClasses: 6},
  resnet50_v2: {...small, numClasses: 6, version: 2, backboneNorm: 'batch', trainableBackboneLayers: 5},
  mobilenet_v2: {
    ...small,
    backbone: 'mobilenet_v2',
    numClasses: 4,
    trainableBackboneLayers: 4,
    returnedLayers: [2, 3, 5],
    anchorSizes: [
      [12, 16],
      [24, 32],
      [48, 64],
      [80, 112],
    ],
    anchorAspectRatios: Array.from({length: 4}, () => [0.5, 1, 2]),
    boxRoiPool: {featmapNames: ['0', '1', '2'], outputSize: 7, samplingRatio: 2},
    maskRoiPool: {featmapNames: ['0', '1', '2'], outputSize: 14, samplingRatio: 2},
    rpnScoreThresh: 0.2,
    boxScoreThresh: 0.1,
  },
  resnet18: {
    ...small,
    backbone: 'resnet18',
    numClasses: 5,
    backboneNorm: 'batch',
    trainableBackboneLayers: 5,
    anchorSizes: [[12], [24], [40], [64], [96]],
    rpnNmsThresh: 0.6,
    rpnFgIouThresh: 0.65,
    rpnBgIouThresh: 0.35,
    boxNmsThresh: 0.4,
    boxFgIouThresh: 0.55,
    boxBgIouThresh: 0.45,
    bboxRegWeights: [8, 8, 4, 4],
  },
} as const satisfies Record<string, NativeModelOptions>;

export type Network = keyof typeof CONFIGS;

/** torchvision's default sizes with the cheapest network. */
export const DEFAULT_SIZES: NativeModelOptions = {
  ...defaults,
  backbone: 'mobilenet_v2',
  numClasses: 2,
  returnedLayers: [4, 5],
  anchorSizes: [[64], [128], [256]],
  anchorAspectRatios: [[1], [1], [1]],
  rpnPreNmsTopNTest: 10,
  rpnPostNmsTopNTest: 10,
  boxDetectionsPerImg: 5,
};
