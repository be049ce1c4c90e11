import {mkdir, readdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {type DetectionsJson, detectionsToJson, detectionsToLabels, maskPolygons, measure} from '../../lib/index.js';
import {objectsCsv} from '../../lib/measure/tables.js';
import {openLargeUpload} from '../../lib/serve/large-upload.js';
import {cells, formulaWeights, metric, png, refused, started, until, type Weights} from './started.js';

/** Less than the image has, so that it is read in parts. */
const SMALL = {maxMegapixels: 0.1, maxTiledMegapixels: 0.6};
const TILES = 'tiles=256&overlap=64&scoreThreshold=0.6';

let weights: Weights;
let image: Buffer;
let pixels: {data: Buffer; width: number; height: number};
test.before(async () => {
  weights = await formulaWeights();
  process.env.TMPDIR = join(weights.folder, 'temporary');
  await mkdir(process.env.TMPDIR);
  const [width, height] = [2 * cells.width, 2 * cells.height];
  const tile = {input: await png(cells), left: 0, top: 0};
  image = await sharp({create: {width, height, channels: 3, background: '#000'}})
    .composite([
      tile,
      {...tile, left: cells.width},
      {...tile, top: cells.height},
      {...tile, left: cells.width, top: cells.height},
    ])
    .png()
    .toBuffer();
  pixels = {data: await sharp(image).removeAlpha().raw().toBuffer(), width, height};
});
test.after.always(() => weights.remove());

const post = (url: string, body: Uint8Array) => fetch(url, {method: 'POST', body: new Uint8Array(body)});
/** What is in the temporary folder, which is this file's own. */
const temporary = () => readdir(process.env.TMPDIR!);

async function expected() {
  const [found] = await weights.model.predict(pixels, {scoreThreshold: 0.6, tiles: {size: 256, overlap: 64}});
  return found;
}

const isNear = (a: string, b: string) => a === b || Math.abs(Number(a) - Number(b)) <= 1e-6 * Math.abs(Number(b));

test('an image that is too large to be decoded as a whole is found by tiles, with the same answers', async (t) => {
  const {url} = await started(t, weights.file, SMALL);
  const found = await expected();
  t.true(found.scores.length > 5);
  await refused(t, await post(`${url}/predict`, image), 413, 'TOO_MANY_PIXELS');
  const tiff = await sharp(image)
    .removeAlpha()
    .tiff({compression: 'deflate', tile: true, tileWidth: 128, tileHeight: 128})
    .toBuffer();
  for (const body of [image, tiff]) {
    const json = (await (await post(`${url}/predict?${TILES}`, body)).json()) as {images: DetectionsJson[]};
    t.deepEqual(json.images, [JSON.parse(JSON.stringify({...detectionsToJson(found), file: 'image'}))]);
    const table = await (await post(`${url}/predict?${TILES}&format=csv`, body)).text();
    const same = await objectsCsv([{image: 'image', objects: await measure({...pixels, channels: 3}, found)}]);
    const [rows, expectedRows] = [table, same].map((text) => text.split('\r\n').map((line) => line.split(',')));
    t.deepEqual(rows![0], expectedRows![0]);
    t.is(rows!.length, expectedRows!.length);
    // Measured in the object's own rectangle, numbers differ in the last digits.
    const far = rows!.flatMap((row, i) => row.filter((cell, j) => !isNear(cell, expectedRows![i]![j]!)));
    t.deepEqual(far, []);
    const geojson = (await (await post(`${url}/predict?${TILES}&format=geojson`, body)).json()) as {
      features: unknown[];
    };
    t.is(geojson.features.length, found.scores.length);
    const overlay = await sharp(
      Buffer.from(await (await post(`${url}/predict?${TILES}&format=overlay`, body)).arrayBuffer()),
    ).metadata();
    t.like(overlay, {width: pixels.width, height: pixels.height});
    const refusal = await refused(t, await post(`${url}/predict?${TILES}&format=labels`, body), 406, 'NOT_ACCEPTABLE');
    t.regex(refusal.message, /^A label mask has at most 0\.1 megapixels, got 640 × \d+\.$/);
  }
});

test('an image that fits is found by tiles in memory, in every format', async (t) => {
  const {url} = await started(t, weights.file);
  const found = await expected();
  const labels = await sharp(
    Buffer.from(await (await post(`${url}/predict?${TILES}&format=labels`, image)).arrayBuffer()),
  )
    .toColourspace('grey16')
    .raw({depth: 'ushort'})
    .toBuffer();
  t.deepEqual(
    [...new Uint16Array(labels.buffer, labels.byteOffset, labels.length / 2)],
    [...detectionsToLabels(found).labels],
  );
});

test('what no part can be read of, or is larger still, is refused before it is decoded', async (t) => {
  const {url} = await started(t, weights.file, SMALL);
  const webp = await sharp(image).webp({lossless: true}).toBuffer();
  const progressive = await sharp(image).jpeg({progressive: true}).toBuffer();
  for (const body of [webp, progressive]) {
    const {message, hint} = await refused(t, await post(`${url}/predict?${TILES}`, body), 413, 'TOO_MANY_PIXELS');
    t.regex(message, /at most 0\.1 megapixels/);
    t.regex(hint ?? '', /^Only TIFF/);
  }
  const larger = await sharp(image).resize(1200, 1200, {fit: 'fill'}).png().toBuffer();
  t.regex((await refused(t, await post(`${url}/predict?${TILES}`, larger), 413, 'TOO_MANY_PIXELS')).message, /0\.6/);
  const cut = await refused(
    t,
    await post(`${url}/predict?${TILES}`, image.subarray(0, image.length / 2)),
    422,
    'INVALID_IMAGE',
  );
  t.regex(cut.message, /^[^/]*$/); // no path of the server
});

test('the options of tiles mean what those of the command mean', async (t) => {
  const {url} = await started(t, weights.file);
  const ask = async (parameters: string, body: Uint8Array = image) =>
    (await (await post(`${url}/predict?${parameters}`, body)).json()) as {images: DetectionsJson[]};
  const blank = await sharp({create: {width: 300, height: 300, channels: 3, background: '#fff'}})
    .png()
    .toBuffer();
  t.deepEqual((await ask('tiles=128&skipBlank=0&scoreThreshold=0', blank)).images[0]!.objects, []);
  t.deepEqual((await ask('tiles=128&skipBlank=glass&scoreThreshold=0', blank)).images[0]!.objects, []);

  const pyramid = await sharp(image)
    .removeAlpha()
    .tiff({compression: 'deflate', tile: true, pyramid: true, tileWidth: 128, tileHeight: 128})
    .toBuffer();
  const file = join(weights.folder, 'pyramid.tif');
  await writeFile(file, pyramid);
  const [found] = await weights.model.predict(file, {scoreThreshold: 0.5, tiles: {size: 128, level: 1}});
  const {images} = await ask('tiles=128&level=1', pyramid);
  t.deepEqual(images, [JSON.parse(JSON.stringify({...detectionsToJson(found), file: 'image', downsample: 2}))]);
  // Pixels of the table are those of the level, and of GeoJSON those of the largest one, as of the command.
  const table = await (await post(`${url}/predict?tiles=128&level=1&format=csv`, pyramid)).text();
  const half = await sharp(pyramid, {tiff: {subifd: -1}, page: 1})
    .raw()
    .toBuffer();
  const {width, height} = found;
  const measured = await measure({data: half, width, height, channels: 3}, found);
  t.is(table, await objectsCsv([{image: 'image', objects: measured}]));
  const {features} = (await (await post(`${url}/predict?tiles=128&level=1&format=geojson`, pyramid)).json()) as {
    features: {geometry: {coordinates: unknown[]}}[];
  };
  t.is(features.length, found.scores.length);
  const outlines = await Promise.all(found.masks.map((mask) => maskPolygons(mask)));
  const right = Math.max(...outlines.flat().flatMap(({outer}) => outer.filter((_, i) => i % 2 === 0)));
  const numbers = features.flatMap(({geometry}) => geometry.coordinates.flat(3) as number[]);
  t.is(Math.max(...numbers.filter((_, i) => i % 2 === 0)), 2 * right);
  t.true(numbers.every((number) => number % 2 === 0));
  t.regex(
    (await refused(t, await post(`${url}/predict?tiles=128&level=7`, pyramid), 422, 'INVALID_IMAGE')).message,
    /^image has no level 7/,
  );
  for (const alone of ['overlap=8', 'skipBlank=0', 'level=1', 'pixelSize=1', 'tiles=128&level=1&pixelSize=1']) {
    await refused(t, await post(`${url}/predict?${alone}`, image), 400, 'INVALID_OPTION');
  }
  await refused(t, await post(`${url}/predict?tiles=128&skipBlank=paper`, image), 400, 'INVALID_OPTION');
});

test('refusals name the request instead of the functions that the server calls', async (t) => {
  const {url} = await started(t, weights.file, SMALL);
  const ask = async (parameters: string) =>
    (await refused(t, await post(`${url}/predict?${parameters}`, image), 400, 'INVALID_OPTION')).message;
  t.is(
    await ask(`${TILES}&range=percentile`),
    "Option 'range' of POST /predict must be the same everywhere, got 'percentile'.",
  );
  t.regex(await ask('tiles=128&overlap=100'), /^Option 'overlap' of POST \/predict must be at most half /);
});

test.serial('an image that is read in parts has neither bytes in memory nor a file with a name', async (t) => {
  await started(t, weights.file);
  const upload = {name: 'large.png', bytes: Uint8Array.from(image)};
  const {source} = await openLargeUpload(upload, {}, {most: 1, mostWhole: 0.1});
  t.deepEqual(await temporary(), []);
  t.is(upload.bytes.length, 0);
  const [left, top, width, height] = [cells.width - 10, cells.height - 10, 20, 20];
  const {data} = await source.read({left, top, width, height});
  t.deepEqual(Buffer.from(data), await sharp(image).extract({left, top, width, height}).removeAlpha().raw().toBuffer());
  await source.close();

  const refusedUpload = {name: 'large.png', bytes: Uint8Array.from(image)};
  await t.throwsAsync(openLargeUpload(refusedUpload, {}, {most: 0.1, mostWhole: 0.1}), {message: /^large\.png must/});
  t.deepEqual(await temporary(), []);
});

test.serial('nothing stays in the temporary folder, also when the client goes', async (t) => {
  const {url} = await started(t, weights.file, SMALL);
  t.deepEqual(await temporary(), []);
  t.is((await post(`${url}/predict?${TILES}`, image)).status, 200);
  t.deepEqual(await temporary(), []);
  const gone = new AbortController();
  const asked = fetch(`${url}/predict?tiles=64&overlap=16`, {
    method: 'POST',
    body: new Uint8Array(image),
    signal: gone.signal,
  });
  await until(async () => (await metric(url, 'maskrcnn_queue_running')) === 1);
  gone.abort();
  await t.throwsAsync(asked, {any: true});
  await until(async () => (await metric(url, 'maskrcnn_queue_running')) === 0);
  t.deepEqual(await temporary(), []);
});
