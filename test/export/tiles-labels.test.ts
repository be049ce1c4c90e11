/** Pyramids of labels: the pixels of the objects, of every level, for our readers and for tifffile. */
import {spawnSync} from 'node:child_process';
import {open, readdir} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import type {MaskRcnnError} from '../../lib/basics/errors.js';
import {Random} from '../../lib/basics/random.js';
import {writeTilesLabels} from '../../lib/export/tiles-labels.js';
import {LabelPyramid} from '../../lib/image/label-pyramid.js';
import {readMask} from '../../lib/image/read-mask.js';
import {openRegions, readLevels} from '../../lib/image/regions/open-regions.js';
import {encodeRle} from '../../lib/masks/rle-operations.js';
import type {TiledObject} from '../../lib/model/tiles/tiled-object.js';
import {python, pythonHas} from '../python.js';
import {temporary} from './drawn.js';

type Disc = {x: number; y: number; r: number; score: number};

/** Discs, cut at the border of the image. */
async function objectsOf(discs: readonly Disc[], width: number, height: number): Promise<TiledObject[]> {
  return Promise.all(
    discs.map(async ({x, y, r, score}) => {
      const [left, top] = [Math.max(0, x - r), Math.max(0, y - r)];
      const [w, h] = [Math.min(width, x + r + 1) - left, Math.min(height, y + r + 1) - top];
      const bitmap = Uint8Array.from({length: w * h}, (_, i) =>
        Number(isIn({x, y, r}, left + (i % w), top + Math.floor(i / w))),
      );
      const rle = await encodeRle(bitmap, w, h);
      const box: TiledObject['box'] = [left, top, left + w, top + h];
      return {label: 1, className: 'cell', score, box, mask: {left, top, rle}, cut: false};
    }),
  );
}

const isIn = ({x, y, r}: Omit<Disc, 'score'>, px: number, py: number) => (px - x) ** 2 + (py - y) ** 2 <= r * r;

/** The labels that are expected, row-major. `over`: which of two discs is on top. */
function labelsOf(discs: readonly Disc[], width: number, height: number, over: (a: Disc, b: Disc) => number) {
  const order = discs.map((_, i) => i).sort((a, b) => over(discs[b]!, discs[a]!) || b - a);
  const labels = new Int32Array(width * height);
  for (const i of order) {
    const {x, y, r} = discs[i]!;
    for (let py = Math.max(0, y - r); py < Math.min(height, y + r + 1); py++) {
      for (let px = Math.max(0, x - r); px < Math.min(width, x + r + 1); px++) {
        if (isIn(discs[i]!, px, py)) labels[py * width + px] = i + 1;
      }
    }
  }
  return labels;
}

const better = (a: Disc, b: Disc) => b.score - a.score;
const smaller = (a: Disc, b: Disc) => a.r - b.r;

function randomDiscs(number: number, width: number, height: number, seed: number): Disc[] {
  const random = new Random(seed);
  return Array.from({length: number}, () => ({
    x: random.integer(width),
    y: random.integer(height),
    r: random.integer(40),
    score: random.integer(5) / 5, // many are equal
  }));
}

const sizes = [
  [1, 1],
  [256, 256],
  [257, 255],
  [700, 1030],
] as const;

for (const [width, height] of sizes) {
  test(`the labels of ${width} × ${height} pixels are read back, by both rules`, async (t) => {
    const path = join(await temporary(t), 'labels.tif');
    const discs = randomDiscs(60, width, height, width);
    const objects = await objectsOf(discs, width, height);
    for (const [onTop, over] of [
      ['better', better],
      ['smaller', smaller],
    ] as const) {
      t.is(await writeTilesLabels(path, objects, {width, height, onTop}), 60);
      const mask = await readMask(path);
      t.deepEqual([mask.width, mask.height], [width, height]);
      if (onTop === 'smaller') continue; // discs that are cut have another area: see below
      t.deepEqual(Int32Array.from(mask.ids), labelsOf(discs, width, height, over));
    }
    t.deepEqual(await readdir(join(path, '..')), ['labels.tif']);
  });
}

test('the smaller object is on top, whatever its score', async (t) => {
  const path = join(await temporary(t), 'labels.tif');
  const discs = [
    {x: 300, y: 300, r: 40, score: 1},
    {x: 310, y: 300, r: 10, score: 0.1},
  ];
  const objects = await objectsOf(discs, 600, 600);
  await writeTilesLabels(path, objects, {width: 600, height: 600, onTop: 'smaller'});
  t.deepEqual(Int32Array.from((await readMask(path)).ids), labelsOf(discs, 600, 600, smaller));
});

test('levels: each has every second pixel of the one before, and the size of its pixels', async (t) => {
  const path = join(await temporary(t), 'labels.tif');
  const [width, height] = [1500, 801];
  const objects = await objectsOf(randomDiscs(200, width, height, 5), width, height);
  await writeTilesLabels(path, objects, {width, height, micronsPerPixel: 0.25});
  const {levels, micronsPerPixel} = await readLevels(path);
  t.deepEqual(
    levels.map((level) => [level.width, level.height]),
    [
      [1500, 801],
      [750, 401],
      [375, 201],
      [188, 101],
    ],
  );
  t.is(micronsPerPixel, 0.25);
  // Labels below 256 in 8 bits, as they are.
  const range = [0, 255] as const;
  const pixelsOf = async (level: number) => {
    const source = await openRegions(path, {level, range});
    const {data} = await source.read({left: 0, top: 0, width: source.width, height: source.height});
    await source.close();
    return {data, width: source.width, height: source.height};
  };
  let last = await pixelsOf(0);
  for (const level of [1, 2, 3]) {
    const next = await pixelsOf(level);
    for (let y = 0; y < next.height; y++) {
      for (let x = 0; x < next.width; x++) {
        const [small, large] = [next.data[(y * next.width + x) * 3], last.data[(2 * y * last.width + 2 * x) * 3]];
        if (small !== large) return t.fail(`level ${level}, (${x}, ${y})`);
      }
    }
    last = next;
  }
  t.pass();
});

test('more than 65535 objects have 32 bits', async (t) => {
  const path = join(await temporary(t), 'labels.tif');
  const rle = await encodeRle(Uint8Array.of(1), 1, 1);
  const at = (i: number) => ({left: (i % 300) * 2, top: Math.floor(i / 300) * 2});
  const dots = Array.from({length: 66_000}, (_, i): TiledObject => {
    const {left, top} = at(i);
    const mask = {left, top, rle};
    return {label: 1, className: 'a', score: 0.5, box: [left, top, left + 1, top + 1], mask, cut: false};
  });
  await writeTilesLabels(path, dots, {width: 600, height: 440});
  const {ids} = await readMask(path);
  const wrong = dots.findIndex((_, i) => ids[at(i).top * 600 + at(i).left] !== i + 1);
  t.is(wrong, -1);
  t.is(ids.filter((id) => id !== 0).length, dots.length);
});

test('an error of the objects leaves nothing, and no option is overlooked', async (t) => {
  const folder = await temporary(t);
  const path = join(folder, 'labels.tif');
  async function* failing() {
    yield* await objectsOf(randomDiscs(3, 400, 400, 1), 400, 400);
    throw new Error('the disk is gone');
  }
  await t.throwsAsync(writeTilesLabels(path, failing(), {width: 400, height: 400}), {message: 'the disk is gone'});
  t.deepEqual(await readdir(folder), []);
  for (const options of [{width: 0, height: 4}, {width: 4}, {width: 4, height: 4, onTop: 'first'}]) {
    const error = await t.throwsAsync<MaskRcnnError>(writeTilesLabels(path, [], options as never));
    t.is(error!.code, 'INVALID_OPTION');
  }
});

test('an image of 200,000 × 200,000 pixels that is mostly blank is a small BigTIFF', async (t) => {
  const path = join(await temporary(t), 'labels.tif');
  const side = 200_000;
  const file = await open(path, 'w');
  const pyramid = new LabelPyramid(file, {width: side, height: side, bytes: 2});
  const last = pyramid.rows - 1;
  for (let row = 0; row <= last; row++) {
    await pyramid.add(new Map(row === last ? [[last, new Uint32Array(256 * 256).fill(9)]] : []));
  }
  await pyramid.finish();
  const {size} = await file.stat();
  await file.close();
  t.true(size < 20e6, `${size} bytes`);
  const {levels} = await readLevels(path);
  t.like(levels[0], {width: side, height: side});
  t.is(levels.length, 11);
  const source = await openRegions(path, {range: [0, 9]});
  const {data} = await source.read({left: side - 64, top: side - 64, width: 64, height: 64});
  t.true(data.every((value) => value === 255));
  await source.close();
});

const SCRIPT = `
import sys, json
import tifffile
with tifffile.TiffFile(sys.argv[1]) as tif:
    series = tif.series[0]
    assert tif.is_ome and len(tif.pages) == 1, (tif.is_ome, len(tif.pages))
    base = series.asarray()
    assert len(series.levels) == 3, len(series.levels)
    for i, level in enumerate(series.levels):
        assert (level.asarray() == base[:: 2 ** i, :: 2 ** i]).all(), i
    print(json.dumps([str(base.dtype), list(base.shape), base.ravel().tolist()]))
`;

test('tifffile reads the labels and the levels', async (t) => {
  if (!pythonHas(['tifffile'], 'a pyramid of labels for tifffile')) return t.pass();
  const path = join(await temporary(t), 'labels.tif');
  const [width, height] = [700, 530];
  const discs = randomDiscs(100, width, height, 9);
  await writeTilesLabels(path, await objectsOf(discs, width, height), {width, height, micronsPerPixel: 0.5});
  const {status, stdout, stderr} = spawnSync(python, ['-c', SCRIPT, path], {encoding: 'utf8', maxBuffer: 1 << 26});
  t.is(status, 0, stderr);
  const [type, shape, values] = JSON.parse(stdout);
  t.deepEqual([type, shape], ['uint16', [height, width]]);
  t.deepEqual(Int32Array.from(values), labelsOf(discs, width, height, better));
});
