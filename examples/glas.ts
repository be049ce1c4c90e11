/**
 * Fine-tunes Mask R-CNN on GlaS (Warwick-QU), the microscope images of the MICCAI 2015 gland segmentation contest, and
 * scores it on test set A:
 *
 *   npx tsx examples/glas.ts GlaS --weights-backbone IMAGENET1K_V1 --backbone resnet50 --device cuda
 *   npx tsx examples/glas.ts GlaS --weights COCO_V1
 *
 * GlaS is a folder of `train_1.bmp` beside `train_1_anno.bmp`, `testA_1.bmp`, and so on. Images of your own in the same form
 * (any of BMP, PNG, TIFF, WebP) do as well.
 */
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {
  type BackboneName,
  type Dataset,
  evaluate,
  MaskFolder,
  type MaskRcnn,
  type ModelOptions,
  maskRcnn,
  train,
} from 'maskrcnn';
import {misuse, readArguments, readCount, run} from './command-line.js';
import {judge} from './held-out.js';

const usage = `npx tsx examples/glas.ts DIR [options]

  --weights-backbone FILE|NAME
                      start from a pretrained backbone, such as IMAGENET1K_V1
  --weights FILE|NAME start from a whole pretrained network, such as COCO_V1
  --backbone NAME     default mobilenet_v2, or what --weights has
  --epochs N          default 100
  --batch-size N      default 2
  --min-size N        length that the shorter side is scaled to, in pixels (default 288)
  --device NAME       auto, cpu, cuda or cuda:1 (default auto)
  --precision NAME    bfloat16 or float32 (default bfloat16)
  --seed N            default 1
  --output DIR        default runs/glas
  --resume            go on with the run in the output folder`;

/**
 * torchvision's MobileNetV2 feeds the pyramid from a stride of 32 alone. Images are 430 to 522 pixels high and glands 20 to 700
 * pixels wide: at a height of 288 a cell of the coarsest stage sees most of a large one. Strides of 8, 16 and 32, and on each
 * level the anchors that suit it.
 */
const mobilenet: ModelOptions = {
  returnedLayers: [2, 3, 5],
  trainableBackboneLayers: 6,
  anchorSizes: [
    [16, 24],
    [32, 48],
    [64, 96],
    [144, 256],
  ],
  anchorAspectRatios: Array.from({length: 4}, () => [0.5, 1, 2]),
};

/** The score from which detections count: the one that does best on images kept for such choices, by pixels and objects. */
async function chooseThreshold(model: MaskRcnn, data: Dataset): Promise<number> {
  let best = {scoreThreshold: 0.5, score: 0};
  for (const scoreThreshold of [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]) {
    const {pixel, objects} = await evaluate(model, {data, scoreThreshold});
    const score = (pixel.mean.iou + objects.mean.f1 + objects.mean.dice) / 3;
    console.log(
      `Score ${scoreThreshold} on the validation images: pixel IoU ${pixel.mean.iou.toFixed(3)}, ` +
        `object F1 ${objects.mean.f1.toFixed(3)}, object Dice ${objects.mean.dice.toFixed(3)}`,
    );
    if (score > best.score) best = {scoreThreshold, score};
  }
  return best.scoreThreshold;
}

await run(async () => {
  const {values, positionals} = readArguments(usage, {
    allowPositionals: true,
    options: {
      'weights-backbone': {type: 'string'},
      weights: {type: 'string'},
      backbone: {type: 'string'},
      epochs: {type: 'string', default: '100'},
      'batch-size': {type: 'string', default: '2'},
      'min-size': {type: 'string', default: '288'},
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

  // The contest's training images, a fifth of them for choosing the best epoch; never two parts of a patient on both sides.
  const all = await MaskFolder.open(folder, {classes: ['gland'], include: 'train_*', minArea: 50});
  const {training, validation} = all.split(0.2, {seed, groupBy: ({patient}) => patient});
  const test = await MaskFolder.open(folder, {classes: ['gland'], include: 'testA_*'});

  await using model = await maskRcnn({
    ...(backbone && {backbone: backbone as BackboneName}),
    ...(weights && {weights}),
    ...(weightsBackbone && {weightsBackbone}),
    ...(backbone === 'mobilenet_v2' && mobilenet),
    classes: training.classes,
    device: values.device as NonNullable<ModelOptions['device']>,
    precision: values.precision as NonNullable<ModelOptions['precision']>,
    minSize: readCount(usage, 'min-size', values['min-size']),
    rpnPreNmsTopNTrain: 1000,
    rpnPostNmsTopNTrain: 500,
    rpnPreNmsTopNTest: 500,
    rpnPostNmsTopNTest: 300,
    boxBatchSizePerImage: 64,
    // Parts of a large gland are no glands beside it.
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
    // Until the scores of detections have settled, most glands are found with low ones.
    scoreThreshold: 0.4,
    optimizer: {type: 'adamw', weightDecay: 0.05},
    lr: 0.0006,
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

  // The model has the averaged weights of the last epoch: when the rate has come down to 0, no epoch before is better on all counts.
  const scoreThreshold = await chooseThreshold(model, validation);
  const scores = await judge(model, test, {folder: join(output, 'overlays'), scoreThreshold});
  await writeFile(join(output, 'scores.json'), `${JSON.stringify(scores, null, 2)}\n`);
  console.log(`
Overlays, loss curve and weights are in ${output}.
On images of your own: npx tsx examples/predict.ts ${last} IMAGE ...`);
});
