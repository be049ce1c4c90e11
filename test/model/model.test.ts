import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {toNativeTarget} from '../../lib/datasets/targets.js';
import {type Detections, decodeRle, type MaskRcnn, type MaskRcnnError, maskRcnn} from '../../lib/index.js';
import {blobSample, fingerprints, tinyModel} from '../tiny.js';

let folder: string;
let model: MaskRcnn;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-model-'));
  model = await maskRcnn(tinyModel);
});

test.after.always(async () => {
  model?.dispose();
  await rm(folder, {recursive: true, force: true});
});

const {image} = blobSample(1);

function bytes(detections: Detections): unknown {
  return {...detections, file: undefined};
}

test('a model tells its classes, options and parameters', (t) => {
  t.deepEqual(model.classes, ['blob']);
  t.is(model.options.backbone, 'resnet18');
  t.is(model.options.numClasses, 2);
  t.true(Object.isFrozen(model.options));
  t.deepEqual(model.notices, []);
  const parameters = model.parameters();
  const score = parameters.find(({name}) => name === 'roi_heads.box_predictor.cls_score.weight');
  t.deepEqual(score, {
    name: 'roi_heads.box_predictor.cls_score.weight',
    shape: [2, tinyModel.boxRepresentationSize],
    dtype: 'float32',
    trainable: true,
    kind: 'parameter',
  });
});

test('a path, its bytes and its pixels give the same detections', async (t) => {
  const path = join(folder, 'blob.png');
  const {data, width, height} = image;
  await sharp(data, {raw: {width, height, channels: 3}})
    .png()
    .toFile(path);
  const file = await sharp(path).toBuffer();
  const [fromPath, fromBytes, fromPixels] = await model.predict([path, file, image]);
  t.is(fromPath!.file, path);
  t.false('file' in fromBytes!);
  t.deepEqual(bytes(fromBytes!), bytes(fromPath!));
  t.deepEqual(bytes(fromPixels!), bytes(fromPath!));
  const [alone] = await model.predict(path);
  t.deepEqual(alone, fromPath);
});

test('options of reading are refused for raw pixels, also in tiles', async (t) => {
  for (const tiles of [undefined, {size: 64}]) {
    const error = await t.throwsAsync<MaskRcnnError>(model.predict(image, {page: 1, ...(tiles && {tiles})}));
    t.is(error!.code, 'INVALID_OPTION');
    t.regex(error!.message, /^Option 'page' of .* is for image files, got raw pixels: /);
  }
});

test('detections are in falling order, inside the image, and named', async (t) => {
  const [found] = await model.predict(image);
  const {boxes, labels, scores, classNames, masks, width, height} = found!;
  t.deepEqual([width, height], [64, 64]);
  t.is(scores.length, 10); // the network is untrained, so it detects objects everywhere
  t.is(boxes.length, 40);
  t.is(masks.length, 10);
  t.deepEqual(Array.from(labels), new Array(10).fill(1));
  t.deepEqual(classNames, new Array(10).fill('blob'));
  t.deepEqual(scores, scores.toSorted().reverse());
  t.true(boxes.every((x) => x >= 0 && x <= 64));
});

test('the formats of masks agree', async (t) => {
  const [rle] = await model.predict(image);
  const [bitmap] = await model.predict(image, {maskFormat: 'bitmap'});
  const [float] = await model.predict(image, {maskFormat: 'float'});
  const [none] = await model.predict(image, {maskFormat: 'none'});
  t.deepEqual(none!.masks, []);
  t.deepEqual(none!.boxes, rle!.boxes);
  for (const [i, mask] of rle!.masks.entries()) {
    t.deepEqual(mask.size, [64, 64]);
    t.deepEqual(decodeRle(mask), bitmap!.masks[i]);
    t.deepEqual(
      Uint8Array.from(float!.masks[i]!, (p) => (p >= 0.5 ? 1 : 0)),
      bitmap!.masks[i],
    );
  }
});

test('thresholds and limits hold', async (t) => {
  const [all] = await model.predict(image, {maskFormat: 'none'});
  const threshold = all!.scores[4]!;
  const [above] = await model.predict(image, {maskFormat: 'none', scoreThreshold: threshold});
  t.deepEqual(
    above!.scores,
    all!.scores.filter((score) => score > threshold),
  );
  const [two] = await model.predict(image, {maskFormat: 'none', maxDetections: 2});
  t.deepEqual(two!.scores, all!.scores.slice(0, 2));
  const [beyond] = await model.predict(image, {maskFormat: 'none', maxDetections: 1000, scoreThreshold: 0});
  t.deepEqual(beyond!.scores, all!.scores);
});

test('the heads work on many detections in blocks: each gets the mask that it has among a few', async (t) => {
  const many = {boxDetectionsPerImg: 300, boxNmsThresh: 1, rpnNmsThresh: 1};
  await using crowded = await maskRcnn({...tinyModel, ...many, rpnPreNmsTopNTest: 400, rpnPostNmsTopNTest: 1200});
  const detect = async (maxDetections: number) =>
    (await crowded.predict(image, {maxDetections, maskFormat: 'float'}))[0];
  const [all, few] = [await detect(300), await detect(20)];
  t.is(all.scores.length, 300);
  t.deepEqual(all.scores.slice(0, 20), few.scores);
  const off = few.masks.map((mask, d) =>
    mask.reduce((most, p, i) => Math.max(most, Math.abs(p - all.masks[d]![i]!)), 0),
  );
  t.true(Math.max(...off) < 1e-5, `${Math.max(...off)}`);
  // Two images have their detections in shared blocks.
  const pair = await crowded.predict([image, image], {batchSize: 2, maskFormat: 'rle'});
  t.deepEqual(
    pair.map(({masks}) => masks.length),
    [300, 300],
  );
});

test('batches keep the order of the images', async (t) => {
  const images = [0, 1, 2, 3, 4].map((index) => blobSample(index).image);
  const single = await model.predict(images, {maskFormat: 'none'});
  const batched = await model.predict(images, {maskFormat: 'none', batchSize: 2});
  t.is(batched.length, 5);
  for (const [i, {scores}] of batched.entries()) {
    t.true(
      scores.every((score, k) => Math.abs(score - single[i]!.scores[k]!) < 1e-4),
      `image ${i}`,
    );
  }
  t.deepEqual(await model.predict([]), []);
});

test('an image that cannot be read is named, and the model lives on', async (t) => {
  const path = join(folder, 'broken.png');
  await writeFile(path, 'not an image');
  const error = await t.throwsAsync(model.predict([image, path]), {code: 'INVALID_IMAGE'});
  t.true(error!.message.includes(path), error!.message);
  const second = await t.throwsAsync(model.predict([image, new Uint8Array(3)]), {code: 'INVALID_IMAGE'});
  t.true(second!.message.startsWith('Image 1 of predict()'), second!.message);
  t.is((await model.predict(image)).length, 1);
});

test('a pixel whose probability is the mask threshold belongs to the object, the next higher value excludes it', async (t) => {
  const [float] = await model.predict(image, {maskFormat: 'float'});
  const probabilities = float!.masks[0]!;
  const at = probabilities.findIndex((value) => value > 0.1);
  const threshold = probabilities[at]!;
  // The positive float32 values are in the order of their bits.
  const bits = new Uint32Array(Float32Array.of(threshold).buffer);
  bits[0]!++;
  const [next] = new Float32Array(bits.buffer);
  const [exact] = await model.predict(image, {maskFormat: 'bitmap', maskThreshold: threshold});
  const [above] = await model.predict(image, {maskFormat: 'bitmap', maskThreshold: next!});
  t.deepEqual([exact!.masks[0]![at], above!.masks[0]![at]], [1, 0]);
  t.deepEqual(
    exact!.masks[0],
    Uint8Array.from(probabilities, (value) => Number(value >= threshold)),
  );
});

test('with a mask threshold of 0 an object is its box and one cell of the mask around it, and no more', async (t) => {
  const {width, height} = image;
  const options = {maskThreshold: 0} as const;
  const [found] = await model.predict(image, {...options, maskFormat: 'bitmap'});
  const [rle] = await model.predict(image, options);
  const cells = 28;
  const span = (low: number, high: number) => {
    const half = (((high - low) / 2) * (cells + 2)) / cells;
    return [Math.trunc((low + high) / 2 - half), Math.trunc((low + high) / 2 + half)] as const;
  };
  t.true(found!.masks.length > 0);
  for (const [i, mask] of found!.masks.entries()) {
    const [x0, y0, x1, y1] = found!.boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const [[left, right], [top, bottom]] = [span(x0, x1), span(y0, y1)];
    const expected = Uint8Array.from({length: width * height}, (_, at) => {
      const [x, y] = [at % width, Math.floor(at / width)];
      return Number(x >= left && x <= right && y >= top && y <= bottom);
    });
    t.deepEqual(mask, expected);
    t.deepEqual(decodeRle(rle!.masks[i]!), expected);
    t.true(mask.includes(0), 'not the whole image');
  }
});

test('options of predict are checked', async (t) => {
  const error = await t.throwsAsync(model.predict(image, {maskFormat: 'polygon' as 'rle'}), {code: 'INVALID_OPTION'});
  t.is(
    error!.message,
    "Option 'maskFormat' of predict() must be one of 'rle', 'bitmap', 'float', 'none', got 'polygon'.",
  );
});

test('an aborted signal ends prediction with its reason', async (t) => {
  const reason = new Error('enough');
  t.is(await t.throwsAsync(model.predict(image, {signal: AbortSignal.abort(reason)})), reason);
  const controller = new AbortController();
  const many = model.predict(new Array(50).fill(image), {signal: controller.signal});
  setImmediate(() => controller.abort(reason));
  t.is(await t.throwsAsync(many), reason);
});

test('two calls at once both get their answers', async (t) => {
  const [one, two] = await Promise.all([model.predict(image), model.predict(blobSample(2).image)]);
  t.deepEqual(one, await model.predict(image));
  t.deepEqual(two, await model.predict(blobSample(2).image));
});

test('equal seeds give equal weights, other seeds others', async (t) => {
  const twin = await maskRcnn(tinyModel);
  const other = await maskRcnn({...tinyModel, seed: 8});
  const weights = fingerprints(await model.stateDict());
  t.deepEqual(fingerprints(await twin.stateDict()), weights);
  const name = 'backbone.body.conv1.weight';
  t.not(fingerprints(await other.stateDict()).get(name), weights.get(name));
  twin.dispose();
  other.dispose();
});

test('after dispose every use throws DISPOSED, and calls under way end well', async (t) => {
  const gone = await maskRcnn(tinyModel);
  const underWay = gone.predict(image);
  await new Promise((resolve) => setTimeout(resolve, 20));
  gone.dispose();
  gone.dispose();
  gone[Symbol.dispose]();
  await gone[Symbol.asyncDispose]();
  t.is((await underWay).length, 1);
  t.throws(() => gone.parameters(), {code: 'DISPOSED'});
  await t.throwsAsync(gone.stateDict(), {code: 'DISPOSED'});
  await t.throwsAsync(gone.loadStateDict(new Map()), {code: 'DISPOSED'});
  await t.throwsAsync(gone.save(join(folder, 'gone.safetensors')), {code: 'DISPOSED'});
  const error = await t.throwsAsync(gone.predict(image), {code: 'DISPOSED'});
  t.is(error!.message, 'The model was used after dispose().\nMake another with maskRcnn().');
});

test('a device that is not here is refused', async (t) => {
  await t.throwsAsync(maskRcnn({...tinyModel, device: 'cuda:99'}), {
    code: 'DEVICE_UNAVAILABLE',
    message: /^Device 'cuda:99' cannot be used: .*\.\n.* device: 'cpu' needs none\.$/,
  });
});

test('a long step leaves the main thread free', async (t) => {
  const {openModel} = await import('../../lib/model/model.js');
  const large = await maskRcnn({...tinyModel, minSize: 512, maxSize: 512});
  const sample = blobSample(2);
  const target = toNativeTarget(sample, large.classes);
  const ticks: number[] = [performance.now()];
  const timer = setInterval(() => ticks.push(performance.now()), 10);
  const began = performance.now();
  await openModel(large)
    .computeLosses([sample.image, sample.image], [target, target], {backward: true, lossScale: 1})
    .finally(() => clearInterval(timer));
  const length = performance.now() - began;
  ticks.push(performance.now());
  const longest = Math.max(...ticks.slice(1).map((tick, i) => tick - ticks[i]!));
  // If the step ran on this thread, the longest gap would be the whole step.
  t.true(longest < length / 4, `longest gap ${longest.toFixed(0)} ms of a step of ${length.toFixed(0)} ms`);
  large.dispose();
});

test('weights that are not numbers find nothing', async (t) => {
  await using broken = await maskRcnn(tinyModel);
  const dict = await broken.stateDict();
  const {data} = dict.get('rpn.head.bbox_pred.bias')!;
  new Float32Array(data.buffer, data.byteOffset, data.length / 4).fill(Number.NaN);
  await broken.loadStateDict(dict);
  for (const views of [1, 2] as const) {
    const [found] = await broken.predict(image, {views});
    t.is(found!.scores.length, 0);
    t.deepEqual(found!.masks, []);
  }
});

test('to detect changes no weight, by a single proposal either', async (t) => {
  await using model = await maskRcnn({...tinyModel, rpnPostNmsTopNTest: 1});
  const before = fingerprints(await model.stateDict());
  await model.predict(blobSample(0).image);
  t.deepEqual(fingerprints(await model.stateDict()), before);
});

test('an image that is too thin for the network is refused, by its place or its file', async (t) => {
  const thin = {data: new Uint8Array(3 * 3000), width: 1, height: 3000};
  await t.throwsAsync(model.predict([image, thin]), {
    code: 'INVALID_IMAGE',
    message: /^Image 1 of predict\(\) of 1 × 3000 pixels is too thin/,
  });
  const file = join(folder, 'thin.png');
  await sharp(thin.data, {raw: {width: 1, height: 3000, channels: 3}})
    .png()
    .toFile(file);
  const error = await t.throwsAsync(model.predict(file), {code: 'INVALID_IMAGE'});
  t.is((error as Error & {file?: string}).file, file);
});
