/**
 * Fine-tunes Mask R-CNN on GlaS (Warwick-QU), the microscope images of the MICCAI 2015 gland segmentation contest, and
 * scores it on test set A:
 *
 *   npx tsx examples/glas.ts GlaS --weights-backbone IMAGENET1K_V1
 *
 * GlaS is a folder with `train_1.bmp` next to `train_1_anno.bmp`, `testA_1.bmp`, and so on. Your own images in the same
 * layout work too (as BMP, PNG, TIFF or WebP).
 */
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {type BackboneName, MaskFolder, type ModelOptions, maskRcnn, train} from 'maskrcnn';
import {misuse, readArguments, readCount, run} from './command-line.js';
import {judge} from './held-out.js';

const usage = `npx tsx examples/glas.ts DIR [options]

  --weights-backbone FILE|NAME
                      start from a pretrained backbone, such as IMAGENET1K_V1
  --weights FILE|NAME start from a whole pretrained network, such as COCO_V1
  --backbone NAME     default mobilenet_v2, or what --weights has
  --epochs N          default 110
  --batch-size N      default 2
  --min-size N        length that the shorter side is scaled to, in pixels (default 400)
  --device NAME       auto, cpu, cuda or cuda:1 (default auto)
  --precision NAME    bfloat16 or float32 (default bfloat16)
  --seed N            default 1
  --output DIR        default runs/glas
  --resume            go on with the run in the output folder`;

/**
 * torchvision's MobileNetV2 feeds the pyramid from stride 32 only. Use strides 8, 16 and 32 instead, with suitable
 * anchors on each level: images are 430 to 522 pixels high, glands 20 to 700 pixels wide.
 */
const mobilenet: ModelOptions = {
  returnedLayers: [2, 3, 5],
  trainableBackboneLayers: 6,
  anchorSizes: [
    [24, 32],
    [48, 72],
    [96, 144],
    [224, 352],
  ],
  anchorAspectRatios: Array.from({length: 4}, () => [0.5, 1, 2]),
};

/**
 * Multi-scale training: each training image is scaled to one of these sizes at random. All other images use the last
 * one.
 */
const sizesAround = (minSize: number) => [0.8, 0.9, 1.1, 1.2, 1].map((factor) => Math.round(factor * minSize));

/**
 * Test-time augmentation: glands look alike from every side, so average over four mirrored views of each test image.
 */
const views = 4;

/** Detections count from this score on. */
const scoreThreshold = 0.5;

await run(async () => {
  const {values, positionals} = readArguments(usage, {
    allowPositionals: true,
    options: {
      'weights-backbone': {type: 'string'},
      weights: {type: 'string'},
      backbone: {type: 'string'},
      epochs: {type: 'string', default: '110'},
      'batch-size': {type: 'string', default: '2'},
      'min-size': {type: 'string', default: '400'},
      device: {type: 'string', default: 'auto'},
      precision: {type: 'string', default: 'bfloat16'},
      seed: {type: 'string', default: '1'},
      output: {type: 'string', default: join('runs', 'glas')},
      resume: {type: 'boolean', default: false},
    },
  });
  const [folder, ...rest] = positionals;
  if (folder === undefined || rest.length > 0) misuse(usage, `One folder is needed, got ${positionals.length}.`);
  const {output, weights, 'weights-backbone': weightsBackbone} = values;
  const backbone = values.backbone ?? (weights ? undefined : 'mobilenet_v2');
  const seed = readCount(usage, 'seed', values.seed);

  // Keep a tenth of the training images for validation. The split is by image, as in the contest, so patients occur on
  // both sides. If scores must hold for new patients, add `groupBy: ({patient}) => patient`.
  const all = await MaskFolder.open(folder, {classes: ['gland'], include: 'train_*', minArea: 50});
  const {training, validation} = all.split(0.1, {seed});
  const test = await MaskFolder.open(folder, {classes: ['gland'], include: 'testA_*'});

  await using model = await maskRcnn({
    ...(backbone && {backbone: backbone as BackboneName}),
    ...(weights && {weights}),
    ...(weightsBackbone && {weightsBackbone}),
    ...(backbone === 'mobilenet_v2' && mobilenet),
    classes: training.classes,
    device: values.device as NonNullable<ModelOptions['device']>,
    precision: values.precision as NonNullable<ModelOptions['precision']>,
    minSize: sizesAround(readCount(usage, 'min-size', values['min-size'])),
    rpnPreNmsTopNTrain: 1000,
    rpnPostNmsTopNTrain: 500,
    rpnPreNmsTopNTest: 500,
    rpnPostNmsTopNTest: 300,
    boxBatchSizePerImage: 64,
    // A low threshold, because parts of a large gland must not count as separate glands.
    boxNmsThresh: 0.3,
    seed,
    onNotice: (notice) => console.log(notice),
  });

  const {history, last} = await train(model, {
    data: training,
    validation,
    epochs: readCount(usage, 'epochs', values.epochs),
    batchSize: readCount(usage, 'batch-size', values['batch-size']),
    evaluateEvery: 3,
    scoreThreshold,
    optimizer: {type: 'adamw', weightDecay: 0.05},
    lr: 0.0006,
    // At the full learning rate, 64 images would soon overwrite what the backbone learned on ImageNet.
    backboneLrMultiplier: 0.2,
    schedule: 'cosine',
    warmup: 100,
    ema: true,
    augment: 'histology',
    seed,
    output,
    resume: values.resume,
  });
  const losses = history.epochs.map(({loss}) => loss.toFixed(3));
  console.log(`Loss by epoch: ${losses.join(', ')}`);

  // The model has the averaged weights of the last epoch. After the learning rate has fallen to 0, no earlier epoch is
  // better on all scores.
  const scores = await judge(model, test, {folder: join(output, 'overlays'), scoreThreshold, views});
  await writeFile(join(output, 'scores.json'), `${JSON.stringify(scores, null, 2)}\n`);
  console.log(`
Overlays, loss curve and weights are in ${output}.
On images of your own: npx tsx examples/predict.ts ${last} IMAGE ...`);
});
