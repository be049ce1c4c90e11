/**
 * Trains a small Mask R-CNN to find glands in images that this program draws itself. This takes about two minutes on a
 * CPU:
 *
 *   npm run demo
 *
 * It starts from random weights, so nothing is downloaded. For your own images, start from pretrained weights: see
 * glas.ts.
 */
import {readdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {MaskFolder, maskRcnn, train} from 'maskrcnn';
import {misuse, readArguments, readCount, run} from './command-line.js';
import {writeGlandImages} from './glands/generate.js';
import {judge} from './held-out.js';

const usage = `npm run demo -- [options]

  --output DIR              where everything goes (default runs/demo)
  --images N                images to train on (default 90)
  --held-out N              images to judge by (default 16)
  --epochs N                passes over the images (default 4)
  --seed N                  of images, weights and training (default 1)
  --weights FILE|NAME       start from a whole network, such as the last.safetensors of an earlier run
  --weights-backbone FILE|NAME
                            start from a pretrained backbone, such as IMAGENET1K_V1 (downloaded once, 45 MB)`;

/**
 * Empties the folder of an earlier demo. Refuses a folder that contains anything else, because it may be somebody's
 * work.
 */
async function removeDrawn(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const foreign = names.find((name) => !/^(train|test)_\d+(_anno)?\.png$/.test(name));
  if (foreign !== undefined)
    misuse(usage, `${join(folder, foreign)} was not drawn by the demo: name another --output.`);
  for (const name of names) await rm(join(folder, name));
}

await run(async () => {
  const {values} = readArguments(usage, {
    options: {
      output: {type: 'string', default: join('runs', 'demo')},
      images: {type: 'string', default: '90'},
      'held-out': {type: 'string', default: '16'},
      epochs: {type: 'string', default: '4'},
      seed: {type: 'string', default: '1'},
      weights: {type: 'string'},
      'weights-backbone': {type: 'string'},
    },
  });
  const images = readCount(usage, 'images', values.images);
  const heldOut = readCount(usage, 'held-out', values['held-out']);
  const epochs = readCount(usage, 'epochs', values.epochs);
  const seed = readCount(usage, 'seed', values.seed);
  const {output, weights, 'weights-backbone': weightsBackbone} = values;

  // 1. Images. Any folder of images and masks will do, if each mask gives every object its own number.
  const folder = join(output, 'drawn-glands');
  await removeDrawn(folder);
  console.log(`Drawing ${images + heldOut} images of stained tissue in ${folder} ...`);
  await writeGlandImages(folder, 'train', images, 2 * seed);
  await writeGlandImages(folder, 'test', heldOut, 2 * seed + 1);
  const data = await MaskFolder.open(folder, {classes: ['gland'], include: 'train_*'});
  const test = await MaskFolder.open(folder, {classes: ['gland'], include: 'test_*'});

  // 2. A network: torchvision's Mask R-CNN on ResNet-18, with anchors and numbers of boxes that suit images of 160
  // pixels.
  await using model = await maskRcnn({
    backbone: 'resnet18',
    classes: data.classes,
    ...(weights && {weights}),
    ...(weightsBackbone && {weightsBackbone}),
    trainableBackboneLayers: 5,
    minSize: 160,
    maxSize: 320,
    anchorSizes: [[16], [32], [64], [128], [256]],
    rpnPreNmsTopNTrain: 400,
    rpnPostNmsTopNTrain: 200,
    rpnPreNmsTopNTest: 400,
    rpnPostNmsTopNTest: 200,
    rpnBatchSizePerImage: 64,
    boxBatchSizePerImage: 32,
    boxDetectionsPerImg: 50,
    seed,
    onNotice: (notice) => console.log(notice),
  });

  // 3. Training. Afterwards the run's folder has the loss curve, the metrics of every step, and the weights.
  const start = performance.now();
  const {history, last} = await train(model, {
    data,
    epochs,
    batchSize: 2,
    optimizer: 'adamw',
    lr: 0.0008,
    schedule: 'cosine',
    warmup: 20,
    augment: 'flips',
    seed,
    output,
  });
  const minutes = ((performance.now() - start) / 60_000).toFixed(1);
  console.log(`Trained ${history.steps.length} steps in ${minutes} minutes.`);

  // 4. Evaluation on images that the network has not seen.
  const scores = await judge(model, test, {folder: join(output, 'overlays'), scoreThreshold: 0.5});
  await writeFile(join(output, 'scores.json'), `${JSON.stringify(scores, null, 2)}\n`);

  console.log(`
Look at       ${join(output, 'overlays')}   image, truth and prediction side by side
              ${join(output, 'losses.png')}   how the loss fell
The weights   ${last}   open in Python too (safetensors)

Next          npx tsx examples/predict.ts ${last} IMAGE ...
              npm run demo -- --seed 2 --epochs 8          other images, longer training
              npx tsx examples/glas.ts DIR --weights-backbone IMAGENET1K_V1     your own images`);
});
