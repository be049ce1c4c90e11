import type {NativeModelOptions, RoiPoolOptions} from '../../binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {BACKBONES} from './backbones.js';
import type {ModelOptions} from './options.js';

/** Facts besides the options that decide the defaults. */
export type Circumstances = {
  /** Whether weights of the network or of the backbone will be loaded. */
  pretrained: boolean;
  /** The eps of frozen batch norm with which those weights were trained, if it is not 1e-5. */
  frozenBatchNormEps?: number | undefined;
  numClasses: number;
  /** The chosen device, no longer 'auto'. */
  device: string;
  /** The default of `threads`. */
  threads: number;
};

/**
 * Fills in torchvision's defaults (models/detection/{mask_rcnn,faster_rcnn,backbone_utils}.py). Each option must have
 * been checked on its own. Options that contradict each other throw INVALID_OPTION.
 */
export function completeModelOptions(
  options: ModelOptions,
  {pretrained, frozenBatchNormEps = 1e-5, numClasses, device, threads}: Circumstances,
): {options: NativeModelOptions; notices: string[]} {
  const notices: string[] = [];
  const backbone = options.backbone ?? 'resnet50';
  const version = options.version ?? 1;
  const returnedLayers = [...(options.returnedLayers ?? BACKBONES[backbone].defaultReturnedLayers)];
  const levels = returnedLayers.length + 1; // plus the max-pooled level
  const maps = returnedLayers.map((_, index) => String(index));
  const minSize = typeof options.minSize === 'object' ? [...options.minSize] : [options.minSize ?? 800];
  const complete: NativeModelOptions = {
    backbone,
    version,
    numClasses,
    backboneNorm: options.backboneNorm ?? (pretrained && version === 1 ? 'frozen' : 'batch'),
    frozenBatchNormEps: options.frozenBatchNormEps ?? frozenBatchNormEps,
    trainableBackboneLayers: trainableLayers(options, pretrained, notices),
    returnedLayers,
    fpnChannels: options.fpnChannels ?? 256,
    minSize,
    maxSize: options.maxSize ?? 1333,
    imageMean: [...(options.imageMean ?? ([0.485, 0.456, 0.406] as const))],
    imageStd: [...(options.imageStd ?? ([0.229, 0.224, 0.225] as const))],
    sizeDivisible: options.sizeDivisible ?? 32,
    fixedSize: options.fixedSize ? [...options.fixedSize] : null,
    skipResize: options.skipResize ?? false,
    anchorSizes: copy(options.anchorSizes) ?? defaultAnchorSizes(levels),
    anchorAspectRatios: copy(options.anchorAspectRatios) ?? Array.from({length: levels}, () => [0.5, 1, 2]),
    rpnPreNmsTopNTrain: options.rpnPreNmsTopNTrain ?? 2000,
    rpnPreNmsTopNTest: options.rpnPreNmsTopNTest ?? 1000,
    rpnPostNmsTopNTrain: options.rpnPostNmsTopNTrain ?? 2000,
    rpnPostNmsTopNTest: options.rpnPostNmsTopNTest ?? 1000,
    rpnNmsThresh: options.rpnNmsThresh ?? 0.7,
    rpnFgIouThresh: options.rpnFgIouThresh ?? 0.7,
    rpnBgIouThresh: options.rpnBgIouThresh ?? 0.3,
    rpnBatchSizePerImage: options.rpnBatchSizePerImage ?? 256,
    rpnPositiveFraction: options.rpnPositiveFraction ?? 0.5,
    rpnScoreThresh: options.rpnScoreThresh ?? 0,
    boxRoiPool: completePool(options.boxRoiPool, maps, 7),
    maskRoiPool: completePool(options.maskRoiPool, maps, 14),
    boxRepresentationSize: options.boxRepresentationSize ?? 1024,
    masks: options.masks ?? 'instance',
    maskChannels: options.maskChannels ?? 256,
    boxScoreThresh: options.boxScoreThresh ?? 0.05,
    boxNmsThresh: options.boxNmsThresh ?? 0.5,
    boxDetectionsPerImg: options.boxDetectionsPerImg ?? 100,
    boxFgIouThresh: options.boxFgIouThresh ?? 0.5,
    boxBgIouThresh: options.boxBgIouThresh ?? 0.5,
    boxBatchSizePerImage: options.boxBatchSizePerImage ?? 512,
    boxPositiveFraction: options.boxPositiveFraction ?? 0.25,
    bboxRegWeights: [...(options.bboxRegWeights ?? ([10, 10, 5, 5] as const))],
    device,
    precision: options.precision ?? 'float32',
    tf32: options.tf32 ?? 'convolutions',
    graphs: options.graphs ?? false,
    seed: options.seed ?? 0,
    threads: options.threads ?? threads,
  };
  checkContradictions(complete);
  if (complete.precision === 'float16' && device === 'cpu') {
    notices.push("precision 'float16' is for GPUs: on this CPU it is many times slower than 'float32'.");
  }
  return {options: complete, notices};
}

/** torchvision `_validate_trainable_layers`. Its warning becomes a notice here. */
function trainableLayers(options: ModelOptions, pretrained: boolean, notices: string[]): number {
  const {backbone = 'resnet50', trainableBackboneLayers} = options;
  const {maxTrainableLayers} = BACKBONES[backbone];
  const layers = trainableBackboneLayers ?? 3;
  if (layers > maxTrainableLayers) {
    throw invalid(`trainableBackboneLayers must be 0..${maxTrainableLayers} for ${backbone}, got ${layers}.`);
  }
  if (pretrained) return layers;
  if (trainableBackboneLayers !== undefined && trainableBackboneLayers !== maxTrainableLayers) {
    notices.push(
      `trainableBackboneLayers: ${trainableBackboneLayers} has no effect without pretrained weights: all ` +
        `${maxTrainableLayers} layers are trained.`,
    );
  }
  return maxTrainableLayers;
}

/** torchvision pools from the levels '0'..'3' and skips levels that a backbone does not have. */
function completePool(pool: Partial<RoiPoolOptions> = {}, maps: string[], outputSize: number): RoiPoolOptions {
  return {
    featmapNames: [...(pool.featmapNames ?? maps.slice(0, 4))],
    outputSize: pool.outputSize ?? outputSize,
    samplingRatio: pool.samplingRatio ?? 2,
  };
}

/** For five levels, one size each. Otherwise all sizes on each level, as in torchvision's MobileNet detectors. */
function defaultAnchorSizes(levels: number): number[][] {
  const sizes = [32, 64, 128, 256, 512];
  return levels === 5 ? sizes.map((size) => [size]) : Array.from({length: levels}, () => [...sizes]);
}

function checkContradictions(options: NativeModelOptions): void {
  const {backbone, version, returnedLayers, anchorSizes, anchorAspectRatios} = options;
  const [first, last] = BACKBONES[backbone].stages;
  if (version === 2 && options.backboneNorm === 'frozen') {
    throw invalid("backboneNorm must be 'batch' in version 2, got 'frozen'.", 'Version 1 takes either.');
  }
  if (returnedLayers.some((layer, i) => layer < first || layer > last || layer <= (returnedLayers[i - 1] ?? -1))) {
    throw invalid(
      `returnedLayers must ascend within ${first}..${last} for ${backbone}, got [${returnedLayers.join(', ')}].`,
    );
  }
  const largest = Math.max(...options.minSize);
  if (largest > options.maxSize) {
    throw invalid(`maxSize must be at least minSize (${largest}), got ${options.maxSize}.`);
  }

  const levels = returnedLayers.length + 1;
  for (const [name, lists] of Object.entries({anchorSizes, anchorAspectRatios})) {
    if (lists.length !== levels) {
      throw invalid(
        `${name} must have one list for each of the ${levels} feature levels, got ${lists.length}.`,
        `The levels are those of returnedLayers [${returnedLayers.join(', ')}] and the max-pooled one.`,
      );
    }
  }
  const perCell = anchorSizes.map((sizes, level) => sizes.length * anchorAspectRatios[level]!.length);
  if (new Set(perCell).size > 1) {
    throw invalid(
      `anchorSizes × anchorAspectRatios must give every level as many anchors, got [${perCell.join(', ')}].`,
      'The levels share one RPN head.',
    );
  }

  const maps = [...returnedLayers.keys()].map(String).concat('pool');
  for (const pool of ['boxRoiPool', 'maskRoiPool'] as const) {
    for (const name of options[pool].featmapNames) {
      if (!maps.includes(name)) {
        throw invalid(`${pool}.featmapNames must be of '${maps.join("', '")}', got '${name}'.`);
      }
    }
  }
  for (const part of ['rpn', 'box'] as const) {
    const [background, foreground] = [options[`${part}BgIouThresh`], options[`${part}FgIouThresh`]];
    if (background > foreground) {
      throw invalid(`${part}BgIouThresh must be at most ${part}FgIouThresh (${foreground}), got ${background}.`);
    }
  }
}

function copy(lists: readonly (readonly number[])[] | undefined): number[][] | undefined {
  return lists?.map((list) => [...list]);
}

function invalid(message: string, hint?: string): MaskRcnnError {
  return new MaskRcnnError('INVALID_OPTION', message, hint === undefined ? {} : {hint});
}
