import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import ort from 'onnxruntime-node';
import {type Detections, type ExportOnnxOptions, exportOnnx, type MaskRcnn, maskRcnn} from '../../lib/index.js';
import {loadOnnx, type OnnxModel, type OnnxRuntime} from '../../lib/onnx-runtime/index.js';
import {tinyModel} from '../tiny.js';
import {drawn, formulaModel, images, largestDifference, type Pixels} from './networks.js';

/** As in same-detections.test.ts. */
const LIMIT = 1e-4;

/** Images of one size, one of them black. */
const [width, height] = [101, 67];
const ofOneSize: Pixels[] = [0, 1, 2, 3].map((seed) => drawn(width, height, seed));
ofOneSize.splice(2, 0, {data: new Uint8Array(width * height * 3), width, height});

let folder: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-batches-'));
});

test.after.always(() => rm(folder, {recursive: true, force: true}));

let files = 0;
async function exported(model: MaskRcnn, options: ExportOnnxOptions): Promise<Buffer> {
  const file = join(folder, `${++files}.onnx`);
  await exportOnnx(model, file, options);
  return readFile(file);
}

async function open(t: ExecutionContext, model: MaskRcnn, options: ExportOnnxOptions): Promise<OnnxModel> {
  const loaded = await loadOnnx(await exported(model, options), {ort});
  t.teardown(() => loaded.dispose());
  return loaded;
}

function isSame(t: ExecutionContext, found: Detections<'float'>, expected: Detections<'float'>, name: string): void {
  t.deepEqual(found.labels, expected.labels, name);
  t.deepEqual(found.classNames, expected.classNames, name);
  t.true(largestDifference(found.scores, expected.scores) <= LIMIT, name);
  t.true(largestDifference(found.boxes, expected.boxes) / Math.max(found.width, found.height) <= LIMIT, name);
  t.is(found.masks.length, expected.masks.length, name);
  // A side that rounding moves over a whole pixel moves its mask by one.
  const moved = expected.masks.filter((mask, i) => !(largestDifference(found.masks[i]!, mask) <= LIMIT)).length;
  t.true(moved <= 0.05 * expected.masks.length, `${name}: ${moved} masks`);
}

for (const network of ['resnet50_v1', 'resnet50_v2', 'mobilenet_v2', 'resnet18'] as const) {
  test.serial(`${network}: a batch has the detections of its images, and of predict()`, async (t) => {
    const model = await formulaModel(network);
    t.teardown(() => model.dispose());
    const batch = await open(t, model, {masks: 'box', batch: true});
    const single = await open(t, model, {masks: 'box'});
    t.deepEqual([batch.batch, single.batch], [true, false]);
    const options = {maskFormat: 'float'} as const;
    const together = await batch.predict(ofOneSize, {...options, batchSize: 5});
    const expected = await model.predict(ofOneSize, {...options, batchSize: 5});
    const one = await single.predict(ofOneSize, options);
    t.true(new Set(expected.map(({scores}) => scores[0])).size === ofOneSize.length);
    for (const [i, found] of together.entries()) {
      t.true(found.scores.length > 0);
      isSame(t, found, expected[i]!, `image ${i}, predict()`);
      isSame(t, found, one[i]!, `image ${i}, alone`);
      isSame(t, await batch.predict(ofOneSize[i]!, options), one[i]!, `image ${i}, a batch of one`);
    }
  });
}

test.serial('images without detections, some and all; masks of the image; floats', async (t) => {
  const model = await formulaModel('resnet18');
  t.teardown(() => model.dispose());
  const best = (await model.predict(ofOneSize)).map(({scores}) => scores[0]!);
  const [lowest, next] = best.toSorted((a, b) => a - b);
  const scoreThreshold = (lowest! + next!) / 2;
  for (const options of [{masks: 'image'}, {masks: 'image', input: 'float32'}, {masks: 'none'}] as const) {
    const batch = await open(t, model, {...options, batch: true, scoreThreshold});
    const single = await open(t, model, {...options, scoreThreshold});
    const together = await batch.predict(ofOneSize, {batchSize: 5});
    const one = await single.predict(ofOneSize);
    t.deepEqual(
      together.map(({masks}) => masks),
      one.map(({masks}) => masks),
    );
    t.deepEqual(
      together.map(({labels}) => labels),
      one.map(({labels}) => labels),
    );
    t.is(together[best.indexOf(lowest!)]!.scores.length, 0);
    t.true(together.filter(({scores}) => scores.length > 0).length === 4);
    const nothing = await open(t, model, {...options, batch: true, scoreThreshold: 1});
    const found = await nothing.predict(ofOneSize, {batchSize: 5});
    t.deepEqual(
      found.map(({boxes, labels, masks}) => [boxes.length, labels.length, masks.length]),
      ofOneSize.map(() => [0, 0, 0]),
    );
  }
});

test.serial('no proposals at all', async (t) => {
  const model = await maskRcnn({...tinyModel, rpnScoreThresh: 1});
  t.teardown(() => model.dispose());
  t.is((await model.predict(ofOneSize[0]!))[0].scores.length, 0);
  for (const masks of ['image', 'box'] as const) {
    const batch = await open(t, model, {masks, batch: true});
    const found = await batch.predict(ofOneSize, {batchSize: 5});
    t.deepEqual(
      found.map(({scores}) => scores.length),
      [0, 0, 0, 0, 0],
    );
    t.is((await (await open(t, model, {masks})).predict(ofOneSize[0]!)).scores.length, 0);
  }
});

test.serial('the outputs: detections of one image after the other, with the number of their image', async (t) => {
  const model = await maskRcnn(tinyModel);
  t.teardown(() => model.dispose());
  const session = await ort.InferenceSession.create(await exported(model, {masks: 'box', batch: true}));
  t.deepEqual(session.inputNames, ['images']);
  t.deepEqual(session.outputNames, ['boxes', 'labels', 'scores', 'image_index', 'masks']);
  const data = Buffer.concat(ofOneSize.slice(0, 2).map((image) => image.data));
  const outputs = await session.run({images: new ort.Tensor('uint8', data, [2, height, width, 3])});
  t.deepEqual([...(outputs.image_index!.data as Int32Array)], [...Array(10).fill(0), ...Array(10).fill(1)]);
  t.deepEqual(outputs.boxes!.dims, [20, 4]);
});

test.serial('a list of images of several sizes comes back in its order, with each kind of file', async (t) => {
  const model = await maskRcnn(tinyModel);
  t.teardown(() => model.dispose());
  const list = [ofOneSize[0]!, images[0]!, ofOneSize[1]!, images[13]!, ofOneSize[3]!];
  const expected = await model.predict(list);
  for (const batch of [true, false]) {
    const bytes = await exported(model, {masks: 'box', batch});
    const sizes: number[] = [];
    const counting: OnnxRuntime = {
      InferenceSession: ort.InferenceSession,
      Tensor: function Tensor(type: 'uint8', values: Uint8Array, dims: number[]) {
        sizes.push(dims.length === 4 ? dims[0]! : 1);
        return new ort.Tensor(type, values, dims);
      } as unknown as OnnxRuntime['Tensor'],
    };
    const loaded = await loadOnnx(bytes, {ort: counting});
    const found = await loaded.predict(list);
    t.deepEqual(sizes, batch ? [3, 1, 1] : [1, 1, 1, 1, 1]);
    t.deepEqual(
      found.map(({labels}) => labels),
      expected.map(({labels}) => labels),
    );
    t.deepEqual(
      found.map((each) => [each.width, each.height]),
      list.map((each) => [each.width, each.height]),
    );
    sizes.length = 0;
    await loaded.predict(list, {batchSize: 2});
    t.deepEqual(sizes, batch ? [2, 1, 1, 1] : [1, 1, 1, 1, 1]);
    t.deepEqual(await loaded.predict([]), []);
    const error = await t.throwsAsync(loaded.predict([list[0]!, {...list[1]!, width: 3}]), {code: 'INVALID_IMAGE'});
    t.regex(error!.message, /^Image 1 of predict\(\) must have/);
    await loaded.dispose();
  }
});
