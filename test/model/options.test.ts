import test from 'ava';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {checkModelOptions} from '../../lib/model/check-options.js';
import {type Circumstances, completeModelOptions} from '../../lib/model/complete-options.js';
import type {ModelOptions} from '../../lib/model/options.js';

const untrained = {pretrained: false, numClasses: 2, device: 'cpu', threads: 6};
const pretrained = {...untrained, pretrained: true};

function complete(options: ModelOptions, circumstances: Circumstances = untrained) {
  checkModelOptions(options);
  return completeModelOptions(options, circumstances);
}

test("nothing given: torchvision's defaults", (t) => {
  t.deepEqual(complete({}).options, {
    backbone: 'resnet50',
    version: 1,
    numClasses: 2,
    backboneNorm: 'batch',
    frozenBatchNormEps: 1e-5,
    trainableBackboneLayers: 5,
    returnedLayers: [1, 2, 3, 4],
    fpnChannels: 256,
    minSize: [800],
    maxSize: 1333,
    imageMean: [0.485, 0.456, 0.406],
    imageStd: [0.229, 0.224, 0.225],
    sizeDivisible: 32,
    fixedSize: null,
    skipResize: false,
    anchorSizes: [[32], [64], [128], [256], [512]],
    anchorAspectRatios: [
      [0.5, 1, 2],
      [0.5, 1, 2],
      [0.5, 1, 2],
      [0.5, 1, 2],
      [0.5, 1, 2],
    ],
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
    boxRepresentationSize: 1024,
    masks: 'instance',
    maskChannels: 256,
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
    threads: 6,
  });
});

test('pretrained: frozen batch norm and three layers trained, the eps of the weights', (t) => {
  const {options} = complete({}, pretrained);
  t.is(options.backboneNorm, 'frozen');
  t.is(options.trainableBackboneLayers, 3);
  t.is(options.frozenBatchNormEps, 1e-5);
  t.is(complete({}, {...pretrained, frozenBatchNormEps: 0}).options.frozenBatchNormEps, 0);
  t.is(complete({version: 2}, pretrained).options.backboneNorm, 'batch');
  t.is(complete({frozenBatchNormEps: 1e-3}, {...pretrained, frozenBatchNormEps: 0}).options.frozenBatchNormEps, 1e-3);
  t.is(complete({backboneNorm: 'batch', trainableBackboneLayers: 0}, pretrained).options.trainableBackboneLayers, 0);
});

test('not pretrained: all layers are trained whatever is asked, with a notice', (t) => {
  const {options, notices} = complete({trainableBackboneLayers: 2});
  t.is(options.trainableBackboneLayers, 5);
  t.deepEqual(notices, [
    'trainableBackboneLayers: 2 has no effect without pretrained weights: all 5 layers are trained.',
  ]);
  t.deepEqual(complete({trainableBackboneLayers: 5}).notices, []);
  t.is(complete({backbone: 'mobilenet_v2'}).options.trainableBackboneLayers, 6);
});

test('MobileNet: its last two stages, three levels with all sizes each, maps that exist', (t) => {
  const {options} = complete({backbone: 'mobilenet_v3_large'}, pretrained);
  t.deepEqual(options.returnedLayers, [4, 5]);
  t.is(options.trainableBackboneLayers, 3);
  const sizes = [32, 64, 128, 256, 512];
  t.deepEqual(options.anchorSizes, [sizes, sizes, sizes]);
  t.is(options.anchorAspectRatios.length, 3);
  t.deepEqual(options.boxRoiPool.featmapNames, ['0', '1']);
  const four = complete({backbone: 'mobilenet_v2', returnedLayers: [1, 2, 3, 5]}).options;
  t.deepEqual(four.anchorSizes, [[32], [64], [128], [256], [512]]);
  t.deepEqual(four.maskRoiPool.featmapNames, ['0', '1', '2', '3']);
});

test('one size becomes a list, and part of a pooler keeps its other defaults', (t) => {
  const {options} = complete({minSize: 320, boxRoiPool: {samplingRatio: 0}});
  t.deepEqual(options.minSize, [320]);
  t.deepEqual(options.boxRoiPool, {featmapNames: ['0', '1', '2', '3'], outputSize: 7, samplingRatio: 0});
  t.deepEqual(complete({minSize: [480, 640]}).options.minSize, [480, 640]);
});

const faults: [options: Record<string, unknown>, message: string, hint?: string][] = [
  [{boxNmsTresh: 0.4}, "maskRcnn() has no option 'boxNmsTresh'.", "Did you mean 'boxNmsThresh'?"],
  [
    {backbone: 'resnet51'},
    "Option 'backbone' of maskRcnn() must be one of 'resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152', " +
      "'resnext50_32x4d', 'resnext101_32x8d', 'resnext101_64x4d', 'wide_resnet50_2', 'wide_resnet101_2', " +
      "'mobilenet_v2', 'mobilenet_v3_large', got 'resnet51'.",
    "Did you mean 'resnet50'?",
  ],
  [
    {precision: 'double'},
    "Option 'precision' of maskRcnn() must be one of 'float32', 'bfloat16', 'float16', got 'double'.",
  ],
  [{device: 'gpu'}, "Option 'device' of maskRcnn() must be 'auto', 'cpu', 'cuda' or 'cuda:N', got 'gpu'."],
  [{seed: -1}, "Option 'seed' of maskRcnn() must be an integer >= 0, got -1."],
  [{boxScoreThresh: 1.5}, "Option 'boxScoreThresh' of maskRcnn() must be a number >= 0 and <= 1, got 1.5."],
  [{boxScoreThresh: '0.5'}, "Option 'boxScoreThresh' of maskRcnn() must be a number >= 0 and <= 1, got '0.5'."],
  [{rpnNmsThresh: Number.NaN}, "Option 'rpnNmsThresh' of maskRcnn() must be a number >= 0 and <= 1, got NaN."],
  [
    {boxRoiPool: {samplingRation: 2}},
    "maskRcnn()'s boxRoiPool has no option 'samplingRation'.",
    "Did you mean 'samplingRatio'?",
  ],
  [{boxRoiPool: {featmapNames: ['4']}}, "boxRoiPool.featmapNames must be of '0', '1', '2', '3', 'pool', got '4'."],
  [{classes: ['a', 'b', 'a']}, "Option 'classes' of maskRcnn() must name each class once, got 'a' twice."],
  [
    {classes: []},
    "Option 'classes' of maskRcnn() must be an array of at least 1 item, each a non-empty string, got [].",
  ],
  [
    {classes: ['a'], numClasses: 2},
    'maskRcnn() takes either `classes` or `numClasses`, got both.',
    'The number follows from the names.',
  ],
  [
    {weights: 'COCO_V1', weightsBackbone: 'x.pth'},
    'maskRcnn() takes either `weights` or `weightsBackbone`, got both.',
    'The file of `weights` holds the backbone as well.',
  ],
  [{trainableBackboneLayers: 6}, 'trainableBackboneLayers must be 0..5 for resnet50, got 6.'],
  [{returnedLayers: [0, 1]}, 'returnedLayers must ascend within 1..4 for resnet50, got [0, 1].'],
  [{returnedLayers: [2, 2]}, 'returnedLayers must ascend within 1..4 for resnet50, got [2, 2].'],
  [{minSize: 800, maxSize: 600}, 'maxSize must be at least minSize (800), got 600.'],
  [
    {anchorSizes: [[32], [64]]},
    'anchorSizes must have one list for each of the 5 feature levels, got 2.',
    'The levels are those of returnedLayers [1, 2, 3, 4] and the max-pooled one.',
  ],
  [
    {anchorSizes: [[32], [64], [128], [256], [512, 600]]},
    'anchorSizes × anchorAspectRatios must give every level as many anchors, got [3, 3, 3, 3, 6].',
    'The levels share one RPN head.',
  ],
  [
    {version: 2, backboneNorm: 'frozen'},
    "backboneNorm must be 'batch' in version 2, got 'frozen'.",
    'Version 1 takes either.',
  ],
  [{rpnBgIouThresh: 0.8}, 'rpnBgIouThresh must be at most rpnFgIouThresh (0.7), got 0.8.'],
  [{boxFgIouThresh: 0.4}, 'boxBgIouThresh must be at most boxFgIouThresh (0.4), got 0.5.'],
];

for (const [options, message, hint] of faults) {
  test(`refused: ${JSON.stringify(options)}`, (t) => {
    const error = t.throws(() => complete(options as ModelOptions), {
      instanceOf: MaskRcnnError,
      code: 'INVALID_OPTION',
    });
    t.is(error.message.split('\n')[0], message);
    t.is(error.hint, hint);
  });
}
