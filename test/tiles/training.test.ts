import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {
  convertDataset,
  type Dataset,
  evaluate,
  evaluateResults,
  inspect,
  inspectSplits,
  type MaskRcnn,
  maskRcnn,
  openDataset,
  type Run,
  split,
  type TrainOptions,
  tiles,
  train,
} from '../../lib/index.js';
import {writeBlobImages} from '../blob-images.js';
import {blobs, fingerprints, gridSample, tinyModel} from '../tiny.js';

let folder: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-tiles-'));
  await writeBlobImages(join(folder, 'blobs'), 4);
});

test.after.always(() => rm(folder, {recursive: true, force: true}));

const opened = () => openDataset(join(folder, 'blobs'), {classes: ['blob']});

/** Two optimizer steps an epoch, on tiles of four images of 64 × 64 pixels, of which one is for validation. */
async function options(output: string, more: {size?: number} = {}): Promise<TrainOptions> {
  const {training, validation} = split(await opened(), 0.25, {seed: 2});
  const cut = {size: 32, overlap: 12, ...more};
  return {
    data: await tiles(training, {...cut, emptyShare: 0.5, seed: 2}),
    validation: await tiles(validation, cut),
    epochs: 2,
    batchSize: 8,
    balance: 'repeat-factor',
    augment: 'flips',
    freeze: ['backbone.body', 'roi_heads.box_head'],
    seed: 3,
    output: join(folder, output),
    log: 'silent',
  };
}

async function course(model: MaskRcnn, {history}: Run): Promise<object> {
  return {
    steps: history.steps.map(({step, epoch, losses}) => ({step, epoch, losses})),
    epochs: history.epochs.map(({epoch, loss, validation}) => ({epoch, loss, validation})),
    weights: fingerprints(await model.stateDict()),
  };
}

test('a run on tiles resumes exactly where it stopped, and not with other tiles', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const whole = await course(model, await train(model, await options('whole')));
  await using first = await maskRcnn(tinyModel);
  const stop = new AbortController();
  const stopped = train(first, {
    ...(await options('parts')),
    onStep: () => stop.abort(new Error('enough')),
    signal: stop.signal,
  });
  await t.throwsAsync(stopped, {message: 'enough'});
  await using second = await maskRcnn(tinyModel);
  const resumed = await train(second, {...(await options('parts')), resume: true});
  t.deepEqual(await course(second, resumed), whole);
  await using third = await maskRcnn(tinyModel);
  await t.throwsAsync(train(third, {...(await options('parts', {size: 36})), resume: true}), {
    code: 'INVALID_DATASET',
    message: /'data' of a resumed run must have/,
  });
});

test('tiles are inspected, compared between splits, and written in other formats', async (t) => {
  const {training, validation} = split(await opened(), 0.25, {seed: 2});
  const cut = {size: 32, overlap: 0};
  const [ofTraining, ofValidation] = [await tiles(training, cut), await tiles(validation, cut)];
  const found = await inspect(ofTraining);
  t.deepEqual(found.faults, []);
  t.is(found.images, ofTraining.length);
  t.is(found.negatives, ofTraining.stats.negatives);
  t.is(found.width!.max, 32);
  t.deepEqual((await inspectSplits({training: ofTraining, validation: ofValidation})).shared, []);
  const path = join(folder, 'coco');
  const {images} = await convertDataset(ofValidation, path, {format: 'coco'});
  t.is(images, ofValidation.length);
  const written = await openDataset(path);
  for (let index = 0; index < written.length; index++) {
    const [there, here] = [await written.get(index), await ofValidation.get(index)];
    t.is(Buffer.compare(there.image.data, here.image.data), 0);
    t.deepEqual(
      there.instances.map(({box}) => box),
      here.instances.map(({box}) => box),
    );
  }
});

test('tiles are evaluated, each as an image of its own', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const tiled = await tiles(await opened(), {size: 32, overlap: 0});
  const {details} = await evaluate(model, {data: tiled});
  t.is(details.images.length, tiled.length);
  t.is(details.images[0]!.file, `${join(folder, 'blobs', 'blob_0.png')}#xywh=0,0,32,32`);
});

test('detections on parts that are too small are neither right nor wrong', async (t) => {
  const data: Dataset = {length: 1, classes: ['blob'], get: async () => gridSample(9)};
  const tiled = await tiles(data, {size: 24, overlap: 0, minVisible: 0.9});
  t.true(tiled.stats.slivers > 0);
  const detections: object[] = [];
  for (let index = 0; index < tiled.length; index++) {
    for (const {box, mask, crowd} of await tiled.truth(index)) {
      detections.push({image_id: index + 1, category_id: 1, bbox: box, segmentation: mask, score: crowd ? 0.9 : 0.5});
    }
  }
  const results = join(folder, 'results.json');
  await writeFile(results, JSON.stringify(detections));
  const {bbox, segm} = await evaluateResults({data: tiled, results});
  t.deepEqual([bbox.scores.ap, segm!.scores.ap], [1, 1]);
});

test('whole samples are read once for their objects, and kept while their tiles are read', async (t) => {
  let reads = 0;
  const data = blobs(2);
  const counted: Dataset = {
    ...data,
    async get(index) {
      reads++;
      return data.get(index);
    },
  };
  const tiled = await tiles(counted, {size: 32, overlap: 0});
  t.is(reads, 2);
  for (let index = 0; index < tiled.length; index++) await tiled.get(index);
  t.is(reads, 2 + 2 * 2); // the pixels of each image, and its objects
});

test('empty tiles of one colour are not told as copies', async (t) => {
  const image = {data: new Uint8Array(64 * 64 * 3).fill(240), width: 64, height: 64};
  const mask = {left: 2, top: 2, width: 9, height: 9, data: new Uint8Array(81).fill(1)};
  const instances = [{label: 1, box: [2, 2, 11, 11] as [number, number, number, number], mask}];
  const data: Dataset = {length: 2, classes: ['blob'], get: async (i) => ({file: `${i}.png`, image, instances})};
  const {doubledImages} = await inspect(await tiles(data, {size: 32, overlap: 0}));
  t.deepEqual(doubledImages, [['0.png#xywh=0,0,32,32', '1.png#xywh=0,0,32,32']]);
});
