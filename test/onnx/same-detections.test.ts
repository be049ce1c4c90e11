import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import ort from 'onnxruntime-node';
import {decodeRle, type ExportOnnxOptions, exportOnnx, type MaskRcnn} from '../../lib/index.js';
import {loadOnnx, type OnnxModel} from '../../lib/onnx-runtime/index.js';
import type {Network} from '../parity/configs.js';
import {formulaModel, images, largestDifference, otherModel} from './networks.js';

/**
 * Of scores and probabilities, and of boxes relative to the image's longer side. This is the package's promise: float32
 * sums in another order differ.
 */
const LIMIT = 1e-4;

async function open(t: ExecutionContext, model: MaskRcnn, options: ExportOnnxOptions): Promise<OnnxModel> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-onnx-'));
  t.teardown(() => rm(folder, {recursive: true}));
  const file = join(folder, 'model.onnx');
  await exportOnnx(model, file, options);
  const loaded = await loadOnnx(await readFile(file), {ort});
  t.teardown(() => loaded.dispose());
  return loaded;
}

const networks: [name: string, make: () => Promise<MaskRcnn>][] = [
  ...(['resnet50_v1', 'resnet50_v2', 'mobilenet_v2', 'resnet18'] as Network[]).map(
    (name): [string, () => Promise<MaskRcnn>] => [name, () => formulaModel(name)],
  ),
  ['resnext50_32x4d', () => otherModel('resnext50_32x4d')],
  ['mobilenet_v3_large', () => otherModel('mobilenet_v3_large')],
];

for (const [network, make] of networks) {
  test.serial(`${network}: the detections of predict() on 20 images`, async (t) => {
    const model = await make();
    t.teardown(() => model.dispose());
    const hasMasks = model.options.masks !== 'none';
    const exported = await open(t, model, {masks: hasMasks ? 'box' : 'none'});
    const worst = {scores: 0, boxes: 0};
    const maskDifferences: number[] = [];
    const counts: number[] = [];
    for (const image of images) {
      const maskFormat = hasMasks ? 'float' : 'none';
      const [expected] = await model.predict(image, {maskFormat});
      const found = await exported.predict(image, {maskFormat});
      const size = `${image.width} × ${image.height}`;
      counts.push(expected.scores.length);
      t.deepEqual(found.labels, expected.labels, size);
      t.deepEqual(found.classNames, expected.classNames, size);
      worst.scores = Math.max(worst.scores, largestDifference(found.scores, expected.scores));
      const side = Math.max(image.width, image.height);
      worst.boxes = Math.max(worst.boxes, largestDifference(found.boxes, expected.boxes) / side);
      t.is(found.masks.length, expected.masks.length, size);
      for (const [i, mask] of expected.masks.entries()) {
        maskDifferences.push(largestDifference(found.masks[i]!, mask));
      }
    }
    // Masks are stretched to whole pixels. So a side that rounding moves over a whole pixel moves its mask by one.
    const moved = maskDifferences.filter((difference) => !(difference <= LIMIT)).length;
    t.log(JSON.stringify({...worst, moved, masks: maskDifferences.length, detections: counts}));
    t.true(moved <= 0.01 * maskDifferences.length, `${moved} of ${maskDifferences.length} masks`);
    t.true(Math.max(...counts) > 0);
    t.true(Math.max(worst.scores, worst.boxes) <= LIMIT, JSON.stringify(worst));
  });
}

test.serial('masks of the image, float input and an image without objects', async (t) => {
  const model = await formulaModel('resnet18');
  t.teardown(() => model.dispose());
  // Between the two lowest of the images' best scores: one image has nothing above it.
  const best: number[] = [];
  for (const each of images) best.push((await model.predict(each, {maskFormat: 'none'}))[0].scores[0]!);
  const [lowest, next] = best.toSorted((a, b) => a - b);
  const scoreThreshold = (lowest! + next!) / 2;
  const box = await open(t, model, {masks: 'box', scoreThreshold});
  const image = await open(t, model, {masks: 'image', scoreThreshold, input: 'float32'});
  t.is(image.input, 'float32');
  let objects = 0;
  let otherPixels = 0;
  for (const each of images) {
    const [expected] = await model.predict(each, {scoreThreshold});
    const found = await box.predict(each);
    const onImage = await image.predict(each);
    const bitmaps = await image.predict(each, {maskFormat: 'bitmap'});
    t.is(found.scores.length, expected.scores.length);
    t.is(onImage.scores.length, expected.scores.length);
    objects += expected.scores.length;
    for (const [i, rle] of expected.masks.entries()) {
      t.deepEqual(onImage.masks[i]!.size, rle.size);
      const wanted = decodeRle(rle);
      t.deepEqual(decodeRle(onImage.masks[i]!), bitmaps.masks[i]);
      for (const mask of [found.masks[i]!, onImage.masks[i]!]) {
        if (mask.counts === rle.counts) continue;
        const bitmap = decodeRle(mask);
        otherPixels += wanted.reduce((sum, value, at) => sum + (value === bitmap[at] ? 0 : 1), 0);
      }
    }
  }
  t.log(`${objects} objects, ${otherPixels} pixels of masks differ`);
  t.true(objects > 20);
  // Pixels whose probability is the threshold, but for rounding.
  t.true(otherPixels <= 10, String(otherPixels));
  const nothing = await image.predict(images[best.indexOf(lowest!)]!);
  t.deepEqual([nothing.boxes.length, nothing.labels.length, nothing.masks], [0, 0, []]);
});
