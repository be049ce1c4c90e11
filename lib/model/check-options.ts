import {MOST_THREADS} from '../addon/threads.js';
import {MaskRcnnError} from '../basics/errors.js';
import {
  bool,
  callback,
  checkOptions,
  either,
  instanceOf,
  integer,
  listOf,
  nothing,
  number,
  object,
  oneOf,
  type Rule,
  type Schema,
  text,
} from '../basics/schema.js';
import {BACKBONE_NAMES} from './backbones.js';
import type {ModelOptions} from './options.js';

const share = number({min: 0, max: 1});
const count = integer({min: 1});
const channels = integer({min: 1, max: 4096});
const pixels = number({above: 0});
const positive = number({above: 0});

const deviceRule: Rule = {
  expected: "'auto', 'cpu', 'cuda' or 'cuda:N'",
  accepts: (value) => typeof value === 'string' && /^(auto|cpu|cuda(:\d+)?)$/.test(value),
};

export const MODEL_OPTIONS: Schema = {
  backbone: oneOf(...BACKBONE_NAMES),
  version: oneOf(1, 2),
  masks: oneOf('instance', 'none'),
  weights: text,
  weightsBackbone: text,
  classes: listOf(text, {min: 1}),
  numClasses: integer({min: 2}),
  device: deviceRule,
  precision: oneOf('float32', 'bfloat16', 'float16'),
  tf32: oneOf('none', 'convolutions', 'all'),
  graphs: bool,
  threads: integer({min: 1, max: MOST_THREADS}),
  seed: integer({min: 0}),
  signal: instanceOf(AbortSignal),
  onNotice: callback,
  backboneNorm: oneOf('frozen', 'batch'),
  frozenBatchNormEps: number({min: 0}),
  trainableBackboneLayers: integer({min: 0, max: 6}),
  returnedLayers: listOf(integer({min: 0, max: 5}), {min: 1}),
  fpnChannels: channels,
  minSize: either(count, listOf(count, {min: 1})),
  maxSize: count,
  imageMean: listOf(number(), {length: 3}),
  imageStd: listOf(positive, {length: 3}),
  sizeDivisible: count,
  fixedSize: either(listOf(count, {length: 2}), nothing),
  skipResize: bool,
  anchorSizes: listOf(listOf(pixels, {min: 1}), {min: 1}),
  anchorAspectRatios: listOf(listOf(positive, {min: 1}), {min: 1}),
  rpnPreNmsTopNTrain: count,
  rpnPreNmsTopNTest: count,
  rpnPostNmsTopNTrain: count,
  rpnPostNmsTopNTest: count,
  rpnNmsThresh: share,
  rpnFgIouThresh: share,
  rpnBgIouThresh: share,
  rpnBatchSizePerImage: count,
  rpnPositiveFraction: share,
  rpnScoreThresh: share,
  boxRoiPool: object,
  maskRoiPool: object,
  boxRepresentationSize: integer({min: 1, max: 16384}),
  maskChannels: channels,
  boxScoreThresh: share,
  boxNmsThresh: share,
  boxDetectionsPerImg: count,
  boxFgIouThresh: share,
  boxBgIouThresh: share,
  boxBatchSizePerImage: count,
  boxPositiveFraction: share,
  bboxRegWeights: listOf(positive, {length: 4}),
};

const ROI_POOL: Schema = {
  featmapNames: listOf(text, {min: 1}),
  outputSize: count,
  samplingRatio: integer({min: 0}),
};

/** Checks each option of `maskRcnn()` on its own, and options that exclude each other. Throws INVALID_OPTION. */
export function checkModelOptions(options: ModelOptions): void {
  checkOptions(options, MODEL_OPTIONS, 'maskRcnn()');
  for (const pool of ['boxRoiPool', 'maskRoiPool'] as const) {
    checkOptions(options[pool], ROI_POOL, `maskRcnn()'s ${pool}`);
  }
  exclude(options, 'weights', 'weightsBackbone', 'The file of `weights` holds the backbone as well.');
  exclude(options, 'classes', 'numClasses', 'The number follows from the names.');
  const {classes = []} = options;
  const twice = classes.find((name, index) => classes.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option 'classes' of maskRcnn() must name each class once, got '${twice}' twice.`,
    );
  }
}

function exclude(options: ModelOptions, one: keyof ModelOptions, other: keyof ModelOptions, hint: string): void {
  if (options[one] === undefined || options[other] === undefined) return;
  throw new MaskRcnnError('INVALID_OPTION', `maskRcnn() takes either \`${one}\` or \`${other}\`, got both.`, {hint});
}
