/**
 * Compares the doubt of images with their errors. Trains a small network on some images of each half of GlaS, and
 * predicts the others of the same half. Prints Spearman's rank correlation of errors with the doubt as `doubt()`
 * defines it and with other definitions, for each half by itself, and the mean error of the images by their doubt:
 *
 *   npm run check:doubt -- GlaS [--weights-backbone IMAGENET1K_V1] [--images 24] [--epochs 40] [--views 2] [--seed 1]
 *
 * GlaS is a folder of images and masks. `--weights-backbone`: a file of weights of MobileNetV2, or the name of
 * registered ones, which are downloaded. `--images`: to train on, of each half. The errors are 1 - F1 of objects and
 * 1 - IoU of pixels. A training takes some minutes on two cores.
 */
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import type {RgbImage} from '../lib/image/rgb-image.js';
import {type Dataset, evaluate, MaskFolder, type MaskRcnn, maskRcnn, split, train} from '../lib/index.js';
import {predictViews} from '../lib/model/mirrored-views.js';
import {CANDIDATES, edgesOf, type Looks} from './doubt/candidates.js';
import {meansOfQuarters, rankCorrelation} from './doubt/ranks.js';

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    'weights-backbone': {type: 'string', default: 'IMAGENET1K_V1'},
    images: {type: 'string', default: '24'},
    epochs: {type: 'string', default: '40'},
    views: {type: 'string', default: '2'},
    seed: {type: 'string', default: '1'},
  },
});
const [folderOfImages] = positionals;
if (folderOfImages === undefined || positionals.length > 1)
  throw new Error('One folder of images and masks is needed.');
const [images, epochs, views, seed] = [values.images, values.epochs, values.views, values.seed].map(Number) as [
  number,
  number,
  number,
  number,
];

/** The errors of an image, and what is found on it. */
type Judged = {f1: number; iou: number; looks: Looks};

const network = {
  backbone: 'mobilenet_v2',
  weightsBackbone: values['weights-backbone'],
  classes: ['gland'],
  returnedLayers: [2, 3, 5],
  trainableBackboneLayers: 6,
  anchorSizes: [
    [14, 19],
    [29, 43],
    [58, 86],
    [134, 211],
  ],
  anchorAspectRatios: Array.from({length: 4}, () => [0.5, 1, 2]),
  fpnChannels: 128,
  boxRepresentationSize: 256,
  maskChannels: 128,
  minSize: 256,
  maxSize: 512,
  rpnPreNmsTopNTrain: 500,
  rpnPostNmsTopNTrain: 250,
  rpnPreNmsTopNTest: 300,
  rpnPostNmsTopNTest: 150,
  boxBatchSizePerImage: 64,
  boxNmsThresh: 0.3,
} as const;

async function trained(data: Dataset, output: string): Promise<MaskRcnn> {
  const model = await maskRcnn({...network, seed});
  await train(model, {
    ...{data, epochs, seed, output},
    batchSize: 2,
    optimizer: {type: 'adamw', weightDecay: 0.05},
    lr: 0.0006,
    backboneLrMultiplier: 0.2,
    schedule: 'cosine',
    warmup: 20,
    augment: 'flips',
    log: 'silent',
  });
  return model;
}

async function judge(model: MaskRcnn, data: Dataset): Promise<Judged[]> {
  const {details} = await evaluate(model, {data});
  const judged: Judged[] = [];
  for (const [i, {objects, pixel}] of details.images.entries()) {
    const {image, file} = await data.get(i);
    const pixels = image as RgbImage;
    const looks = {
      views: await predictViews(model, {...pixels, file}, views),
      edges: await edgesOf(model, pixels),
    };
    judged.push({f1: 1 - (objects.f1 ?? 1), iou: 1 - (pixel.iou ?? 1), looks});
  }
  return judged;
}

const all = await MaskFolder.open(folderOfImages, {classes: ['gland'], minArea: 50});
const halves = split(all, 0.5, {seed});
const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-doubt-'));
const rows = Object.keys(CANDIDATES).map((name) => [name]);
try {
  for (const [half, data] of [halves.training, halves.validation].entries()) {
    const parts = split(data, 1 - images / data.length, {seed});
    const began = performance.now();
    await using model = await trained(parts.training, join(folder, String(half)));
    const minutes = ((performance.now() - began) / 60_000).toFixed(1);
    const judged = await judge(model, parts.validation);
    const counts = `${parts.training.length} images, ${minutes} minutes; ${judged.length} others`;
    console.log(
      `Half ${half + 1}: trained on ${counts}. Mean error of the most doubtful quarter, of all, of the least:`,
    );
    const errors = {'1 - F1': judged.map(({f1}) => f1), '1 - IoU': judged.map(({iou}) => iou)};
    for (const [at, candidate] of Object.values(CANDIDATES).entries()) {
      const doubts: number[] = [];
      for (const {looks} of judged) doubts.push(await candidate(looks));
      for (const [name, error] of Object.entries(errors)) {
        rows[at]!.push(rankCorrelation(doubts, error).toFixed(2));
        if (at > 0) continue;
        const means = meansOfQuarters(doubts, error).map((value) => value.toFixed(2));
        console.log(`  ${name}: ${means.join(', ')}`);
      }
    }
  }
} finally {
  await rm(folder, {recursive: true, force: true});
}
console.log(`\nRank correlation of the error with the doubt, from ${views} views:\n`);
for (const cells of [['doubt by', '1 - F1', '1 - IoU', '1 - F1', '1 - IoU'], Array(5).fill('---'), ...rows]) {
  console.log(`| ${cells.join(' | ')} |`);
}
