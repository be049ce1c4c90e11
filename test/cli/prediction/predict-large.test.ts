import {existsSync} from 'node:fs';
import {mkdir, readdir, readFile, rm, stat, utimes, writeFile} from 'node:fs/promises';
import {join, relative} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {silentProgress} from '../../../lib/basics/progress.js';
import {predictLarge} from '../../../lib/cli/prediction/tiled-prediction.js';
import {runCli} from '../../../lib/cli/run.js';
import {FileLock} from '../../../lib/files/file-lock.js';
import {readMask} from '../../../lib/image/read-mask.js';
import {decodeRle, maskRcnn, openDataset, type Rle, readImage} from '../../../lib/index.js';
import {temporaryFolder} from '../../examples/run-example.js';
import {writePyramid} from '../../image/regions/pyramid-writer.js';
import {recordedProgress} from '../../libtorch/fake-wheel.js';
import {gridSample, tinyModel} from '../../tiny.js';

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);

/** A grid of discs, 160 pixels a side, on level 0 and half of it on level 1. */
test.before(async () => {
  folder = await temporaryFolder();
  await mkdir(at('scans'));
  const {data, width, height} = gridSample(100).image as {data: Uint8Array; width: number; height: number};
  const half = await sharp(data, {raw: {width, height, channels: 3}})
    .resize(width / 2, height / 2)
    .raw()
    .toBuffer();
  const description = 'Aperio Image Library |MPP = 0.5';
  await writeFile(
    at('scans', 'slide.svs'),
    writePyramid([
      {image: {data, width, height}, tile: 64, description},
      {image: {data: new Uint8Array(half), width: width / 2, height: height / 2}, tile: 64, kind: 1},
    ]),
  );
  await using model = await maskRcnn(tinyModel);
  await model.save(at('tiny.safetensors'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const tiles = ['--tiles', '48', '--overlap', '16', '--score-threshold', '0'];

async function maskrcnn(output: string, ...args: string[]) {
  const {progress, text} = recordedProgress();
  let out = '';
  const all = ['predict', at('tiny.safetensors'), at('scans', 'slide.svs'), '--output', at(output), ...args];
  const code = await runCli(all, {out: (line) => (out += `${line}\n`), progress}, new AbortController().signal);
  return {code, out, err: text()};
}

type Large = {
  width: number;
  height: number;
  downsample?: number;
  objects: {id: number; class: string; score: number; box: number[]; mask: Rle; cut?: true}[];
};
const json = async (output: string): Promise<Large> => JSON.parse(await readFile(at(output, 'slide.json'), 'utf8'));

const byMask = <T extends {mask: Rle}>(objects: readonly T[]) =>
  objects.map(({mask}) => mask.counts).toSorted((a, b) => (a < b ? -1 : 1));

test('an image that is read by regions has the objects that it has in memory', async (t) => {
  const memory = await maskrcnn('memory', ...tiles, '--save', 'json');
  t.is(memory.code, 0, memory.err);
  const large = await maskrcnn(
    'large',
    ...tiles,
    '--level',
    '0',
    '--save',
    'json,geojson,csv,coco,overlay,labels-tiff',
  );
  t.is(large.code, 0, large.err);
  const [expected, found] = [await json('memory'), await json('large')];
  t.true(found.objects.length > 20);
  t.deepEqual([found.width, found.height, found.downsample], [160, 160, undefined]);
  t.deepEqual(byMask(found.objects), byMask(expected.objects));
  t.deepEqual(
    found.objects.map(({id}) => id),
    found.objects.map((_, i) => i + 1),
  );
  t.regex(large.out, new RegExp(`slide\\.svs: ${found.objects.length} objects\n`));

  // Every format has the same objects in the same order.
  const geojson = await openDataset(at('large', 'geojson'), {images: at('scans')});
  const truth = await geojson.truth!(0);
  t.deepEqual(
    truth.map(({mask}) => mask!.counts),
    found.objects.map(({mask}) => mask.counts),
  );
  const results = JSON.parse(await readFile(at('large', 'results.json'), 'utf8')) as {segmentation: Rle}[];
  t.deepEqual(
    results.map(({segmentation}) => segmentation.counts),
    found.objects.map(({mask}) => mask.counts),
  );
  const [head, ...lines] = (await readFile(at('large', 'objects.csv'), 'utf8')).trim().split('\r\n');
  const columns = head!.split(',');
  const column = (line: string, name: string) => Number(line.split(',')[columns.indexOf(name)]);
  t.is(lines.length, found.objects.length);
  for (const [i, line] of lines.entries()) {
    const pixels = decodeRle(found.objects[i]!.mask);
    const area = pixels.reduce((sum, pixel) => sum + pixel, 0);
    t.is(column(line, 'area'), area);
    t.is(column(line, 'area_um2'), area / 4, 'the file says 0.5 µm');
    t.true(column(line, 'intensity_mean-2') >= 80);
  }
  t.is((await readImage(at('large', 'slide_overlay.png'))).width, 160);
  // The numbers in the label image are those of JSON, CSV and GeoJSON. Of two objects, the better one has the pixel.
  const {ids, width} = await readMask(at('large', 'slide_labels.tif'));
  const labels = new Uint32Array(160 * 160);
  for (const {id, mask} of found.objects.toSorted((a, b) => a.score - b.score || b.id - a.id)) {
    for (const [i, pixel] of decodeRle(mask).entries()) if (pixel === 1) labels[i] = id;
  }
  t.is(width, 160);
  t.deepEqual(Uint32Array.from(ids), labels);
  t.deepEqual(
    (await readdir(at('large'))).filter((name) => name.endsWith('.tiles')),
    [],
    'nothing is left',
  );
});

test("tools' formats have the objects of the image that is read by regions", async (t) => {
  const tools = ['labelme', 'cvat', 'label-studio', 'imagej', 'yolo', 'coco-dataset', 'supervisely', 'via'];
  const {code, err} = await maskrcnn('tools', ...tiles, '--level', '0', '--save', ['json', ...tools].join());
  t.is(code, 0, err);
  const {objects} = await json('tools');
  const areas = objects.map(({mask}) => decodeRle(mask).reduce((sum, pixel) => sum + pixel, 0));
  // Polygons have no holes in some formats, and round at the rims.
  for (const name of ['coco-dataset', 'supervisely', 'cvat']) {
    const data = await openDataset(at('tools', name), {images: at('scans')});
    const truth = await data.truth!(0);
    t.deepEqual(
      truth.map(({area}) => area),
      areas,
      name,
    );
  }
  for (const name of ['labelme', 'label-studio', 'imagej', 'yolo', 'via']) {
    t.true((await readdir(at('tools', name))).length > 0, name);
  }
});

test('a level, and a size of pixels: GeoJSON has the pixels of the largest level', async (t) => {
  for (const flags of [
    ['--level', '1'],
    ['--pixel-size', '1'],
  ]) {
    const output = flags[0]!.slice(2);
    const {code, err} = await maskrcnn(output, ...tiles, ...flags, '--save', 'json,geojson');
    t.is(code, 0, err);
    const {width, downsample, objects} = await json(output);
    t.deepEqual([width, downsample], [80, 2]);
    const {features} = JSON.parse(await readFile(at(output, 'geojson', 'slide.geojson'), 'utf8'));
    t.is(features.length, objects.length);
    const points = (geometry: {type: string; coordinates: number[][][][]}) =>
      geometry.type === 'Polygon' ? geometry.coordinates.flat() : geometry.coordinates.flat(2);
    const all = features.flatMap(({geometry}: {geometry: never}) => points(geometry)) as unknown as number[][];
    t.true(all.every(([x, y]) => x! % 2 === 0 && y! % 2 === 0));
    t.true(Math.max(...all.map(([x]) => x!)) > 100);
  }
});

test('work that was stopped goes on, and is not lost unless that is said', async (t) => {
  const whole = await maskrcnn('whole', ...tiles, '--level', '0', '--save', 'json,csv,geojson');
  t.is(whole.code, 0, whole.err);

  // A run that stops after 9 of 16 tiles.
  await using network = await maskRcnn({weights: at('tiny.safetensors')});
  const controller = new AbortController();
  let updates = 0;
  const progress = {...silentProgress, update: () => void (++updates === 9 && controller.abort(new Error('stopped')))};
  const work = {
    ...{network, progress, weights: at('tiny.safetensors'), file: at('scans', 'slide.svs')},
    folder: at('stopped', 'slide.tiles'),
    flags: {tiles: {size: 48, overlap: 16}, scale: {level: 0}, resume: false},
    reading: {},
    limits: {scoreThreshold: 0, views: 1, signal: controller.signal} as const,
    state: {label: '', done: 0, unit: 'count'} as const,
    checkpointMs: 1e9,
  };
  await t.throwsAsync(predictLarge(work), {message: 'stopped'});

  const again = await maskrcnn('stopped', ...tiles, '--level', '0', '--save', 'json,csv,geojson');
  t.is(again.code, 2);
  t.regex(
    again.err,
    /slide\.tiles has what an earlier prediction of .*slide\.svs found\.\nGo on with --resume, or begin anew/,
  );
  const held = await FileLock.tryAcquire(join(work.folder, 'lock'));
  const busy = await maskrcnn('stopped', ...tiles, '--level', '0', '--resume', '--save', 'json');
  t.regex(busy.err, /slide\.tiles is in use by process \d+ on /);
  await (held as FileLock).release();
  const other = await maskrcnn('stopped', ...tiles, '--level', '0', '--resume', '--views', '2', '--save', 'json');
  t.regex(other.err, /had another --views: 1, now 2\./);
  const resumed = await maskrcnn('stopped', ...tiles, '--level', '0', '--resume', '--save', 'json,csv,geojson');
  t.is(resumed.code, 0, resumed.err);
  t.regex(resumed.err, /going on after \d+ tiles? and \d+ objects?\./);
  for (const name of ['slide.json', 'objects.csv', 'counts.csv', 'geojson/slide.geojson']) {
    t.is(await readFile(at('stopped', name), 'utf8'), await readFile(at('whole', name), 'utf8'), name);
  }
});

test('what cannot be written of a large image is refused before the work', async (t) => {
  const {code, err} = await maskrcnn('refused', ...tiles, '--level', '0', '--save', 'labels');
  t.is(code, 2);
  t.regex(
    err,
    /--save of maskrcnn predict must be of overlay, json, .*, via for .*slide\.svs .*, got labels\.\nSave labels/,
  );
  const coarse = await maskrcnn('refused', ...tiles, '--level', '1', '--save', 'yolo');
  t.regex(coarse.err, /must be of overlay, json, coco, csv, geojson, labels-tiff for .*slide\.svs .*, got yolo\./);
  const both = await maskrcnn('refused', ...tiles, '--level', '0', '--pixel-size', '1');
  t.regex(both.err, /takes --level or --pixel-size, got both/);
  const absent = await maskrcnn('refused', ...tiles, '--level', '2', '--save', 'json');
  t.is(absent.code, 1);
  t.regex(absent.err, /slide\.svs has no level 2: its last level is 1\./);
  t.false(existsSync(at('refused', 'slide.tiles')), 'nothing is kept of an image without a tile');
  t.notRegex(absent.err, /is kept/);
  const alone = await maskrcnn('refused', '--resume');
  t.regex(alone.err, /maskrcnn predict without --tiles and --shard takes no --resume/);
});

test('of a file that is damaged in the middle, what was found before is kept', async (t) => {
  const {data, width, height} = gridSample(100).image as {data: Uint8Array; width: number; height: number};
  const tiled = {tile: true, tileWidth: 32, tileHeight: 32, compression: 'deflate', predictor: 'none'} as const;
  const bytes = await sharp(data, {raw: {width, height, channels: 3}})
    .tiff(tiled)
    .toBuffer();
  await mkdir(at('broken'));
  const file = at('broken', 'scan.tif');
  const run = async (...more: string[]) => {
    const {progress, text} = recordedProgress();
    const args = ['predict', at('tiny.safetensors'), file, '--output', at('kept'), ...tiles, '--level', '0', ...more];
    const code = await runCli(args, {out: () => {}, progress}, new AbortController().signal);
    return {code, err: text()};
  };
  await writeFile(file, Buffer.from(bytes).fill(0, 1200, 1500));
  const broken = await run('--save', 'json');
  t.is(broken.code, 1);
  t.regex(
    broken.err,
    /Tile \d+ of 25 of .*scan\.tif \(48 × 48 pixels at \d+, \d+\): .*\n(.*\n)?What was found before is kept\. /,
  );
  t.false((await readdir(at('kept'))).includes('scan.json'));

  await writeFile(file, bytes);
  const mended = await run('--save', 'json', '--resume');
  t.is(mended.code, 0, mended.err);
  t.regex(mended.err, /going on after [1-9]\d* tiles? and \d+ objects?\./);
  const found = JSON.parse(await readFile(at('kept', 'scan.json'), 'utf8')) as Large;
  t.true(found.objects.length > 20);

  // Of the images of a run that ended with errors, those that were finished are not taken for other images.
  await writeFile(at('broken', 'torn.tif'), bytes.subarray(0, 100));
  const whole = ['--save', 'json', at('broken', 'torn.tif')];
  t.is((await run(...whole)).code, 1);
  t.true((await readdir(at('kept'))).includes('scan.tiles'));
  await writeFile(file, bytes);
  await utimes(file, new Date(), new Date(Date.now() + 5000));
  const changed = await run(...whole, '--resume');
  t.is(changed.code, 2);
  t.regex(changed.err, /scan\.tiles had another date of the image: .*\n.*--overwrite/);
});

test('images that were finished before another one failed are not done again', async (t) => {
  const {data, width, height} = gridSample(100).image as {data: Uint8Array; width: number; height: number};
  const tiled = {tile: true, tileWidth: 32, tileHeight: 32, compression: 'deflate'} as const;
  const bytes = await sharp(data, {raw: {width, height, channels: 3}})
    .tiff(tiled)
    .toBuffer();
  const formats = ['--save', 'overlay,json,geojson,csv,coco,labels-tiff'];
  await mkdir(at('several'));
  for (const name of ['a.tif', 'b.tif', 'c.tif']) await writeFile(at('several', name), bytes);
  const run = async (output: string, ...more: string[]) => {
    const {progress, text} = recordedProgress();
    let out = '';
    const args = ['predict', at('tiny.safetensors'), at('several'), '--output', at(output), ...tiles, '--level', '0'];
    const all = [...args, ...more];
    const code = await runCli(all, {out: (line) => (out += `${line}\n`), progress}, new AbortController().signal);
    return {code, out, err: text()};
  };
  const whole = await run('several-whole', ...formats);
  t.is(whole.code, 0, whole.err);

  await writeFile(at('several', 'b.tif'), bytes.subarray(0, 2000));
  const broken = await run('several-parts', ...formats);
  t.is(broken.code, 1, broken.err);
  for (const name of ['a', 'c']) {
    const kept = await stat(at('several-parts', `${name}.tiles`, 'objects.jsonl'));
    t.is(kept.size, 0, 'the objects are in the files');
  }
  const own = ['json', '_overlay.png', '_labels.tif'].map((end) => `a${end === 'json' ? '.json' : end}`);
  const dates = async () =>
    Promise.all([...own, 'geojson/a.geojson'].map(async (name) => (await stat(at('several-parts', name))).mtimeMs));
  const before = await dates();

  const other = await run('several-parts', '--save', 'json', '--resume');
  t.is(other.code, 2);
  t.regex(other.err, /a\.tiles had another --save: overlay,json,geojson,csv,coco,labels-tiff, now json\./);

  // A file of an image that is gone is written again; the others are left. So is nothing of a process that was killed.
  await writeFile(at('several-parts', 'c_labels.tif.0123abcd.tmp'), 'of a process that was killed');
  await writeFile(at('several', 'b.tif'), bytes);
  await rm(at('several-parts', 'c.json'));
  const resumed = await run('several-parts', ...formats, '--resume');
  t.is(resumed.code, 0, resumed.err);
  t.regex(resumed.out, /a\.tif: \d+ objects, written before\n.*b\.tif: \d+ objects\n.*c\.tif: \d+ objects\n/);
  t.deepEqual(await dates(), before);
  for (const entry of await readdir(at('several-whole'), {recursive: true, withFileTypes: true})) {
    if (!entry.isFile()) continue;
    const name = join(relative(at('several-whole'), entry.parentPath), entry.name);
    const [is, was] = [at('several-parts', name), at('several-whole', name)];
    t.true((await readFile(is)).equals(await readFile(was)), name);
  }
  t.deepEqual(
    (await readdir(at('several-parts'))).filter((name) => name.endsWith('.tiles')),
    [],
  );
});
