import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {resampled} from '../../../lib/image/regions/resampled.js';
import type {RgbImage} from '../../../lib/image/rgb-image.js';
import {pythonHas} from '../../python.js';
import {writePyramid} from './pyramid-writer.js';
import {cut, pattern, rects, runPython, using} from './regions.js';

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-resampled-test-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const whole = pattern(240, 168);

/** A file whose pixels are 0.5 µm wide, in levels 1, 1/2 and 1/4. */
async function slide(): Promise<string> {
  const path = join(folder, 'slide.svs');
  const subPages = [pattern(120, 84), pattern(60, 42)].map((image) => ({image, tile: 32}));
  await writeFile(path, writePyramid([{image: whole, tile: 32, description: 'Aperio|MPP = 0.5', subPages}]));
  return path;
}

const source = (image: RgbImage) => ({
  ...image,
  read: async (rect: {left: number; top: number; width: number; height: number}) => ({
    data: cut(image, rect),
    width: rect.width,
    height: rect.height,
  }),
});

test('the level is the coarsest that is fine enough', async (t) => {
  const path = await slide();
  const cases: [micronsPerPixel: number, level: number, width: number][] = [
    [0.5, 0, 240],
    [0.51, 0, 240], // 2 % are no difference
    [0.49, 0, 240],
    [0.99, 1, 120],
    [1, 1, 120],
    [1.5, 1, 80],
    [0.75, 0, 160],
    [0.25, 0, 480],
    [2, 2, 60],
    [4, 2, 30],
    [1000, 2, 1],
  ];
  for (const [micronsPerPixel, level, width] of cases) {
    await using(path, {micronsPerPixel}, (regions) => {
      t.is(regions.level, level, `${micronsPerPixel}`);
      t.is(regions.width, width, `${micronsPerPixel}`);
      t.true(Math.abs(regions.micronsPerPixel! / micronsPerPixel - 1) <= 0.03, `${micronsPerPixel}`);
      t.true(Math.abs(regions.downsample * 0.5 - regions.micronsPerPixel!) < 1e-12, `${micronsPerPixel}`);
    });
  }
});

test('half the size weighs four pixels by 1, 3, 3 and 1', async (t) => {
  const values = [0, 80, 40, 200, 120, 8];
  const image = {data: Uint8Array.from(values.flatMap((value) => [value, value, value])), width: 6, height: 1};
  const {data} = await resampled(source(image), 2).read({left: 0, top: 0, width: 3, height: 1});
  // At the border, the weights of the pixels that are there are brought to a sum of 1.
  const expected = [(3 * 0 + 3 * 80 + 40) / 7, (80 + 3 * 40 + 3 * 200 + 120) / 8, (200 + 3 * 120 + 3 * 8) / 7];
  t.deepEqual(
    [data[0], data[3], data[6]],
    expected.map((value) => Math.round(value)),
  );
});

test('regions of a resampled image fit together, and a plain colour stays', async (t) => {
  for (const scale of [0.4, 1.3, 2, 3.7, 11, 500]) {
    const pixels = resampled(source(whole), scale);
    const all = await pixels.read({left: 0, top: 0, width: pixels.width, height: pixels.height});
    for (const rect of rects(pixels)) {
      t.is(Buffer.compare((await pixels.read(rect)).data, cut(all, rect)), 0, `${scale} ${JSON.stringify(rect)}`);
    }
    const plain = resampled(source({...whole, data: whole.data.map(() => 201)}), scale);
    const {data} = await plain.read({left: 0, top: 0, width: plain.width, height: plain.height});
    t.true(
      data.every((value) => value === 201),
      `${scale}`,
    );
  }
});

test('a large scale does not read a large part at once', async (t) => {
  let most = 0;
  const huge = {
    width: 20_000,
    height: 20_000,
    async read({width, height}: {width: number; height: number}) {
      most = Math.max(most, width * height);
      return {data: new Uint8Array(width * height * 3), width, height};
    },
  };
  await resampled(huge, 40).read({left: 0, top: 0, width: 200, height: 200});
  t.true(most > 0 && most < 2200 ** 2, `${most}`);
});

const withPillow = pythonHas(['PIL'], "Pillow's resize") ? test : test.skip;

withPillow('pixels are those of Pillow, to within its rounding', async (t) => {
  await writeFile(join(folder, 'whole.rgb'), whole.data);
  for (const scale of [0.5, 0.8, 1.25, 1.7, 2, 3.3]) {
    const pixels = resampled(source(whole), scale);
    const {width, height} = pixels;
    runPython(
      folder,
      `
from PIL import Image
image = Image.frombytes('RGB', (240, 168), open('whole.rgb', 'rb').read())
box = (0, 0, ${width * scale}, ${height * scale})
image = image.resize((${width}, ${height}), Image.Resampling.BILINEAR, box=box)
open('small.rgb', 'wb').write(image.tobytes())
print('null')
`,
    );
    const expected = await readFile(join(folder, 'small.rgb'));
    const {data} = await pixels.read({left: 0, top: 0, width, height});
    t.is(data.length, expected.length);
    // Pillow rounds to whole numbers between the two directions.
    const most = data.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0);
    t.true(most <= 1, `${scale}: ${most}`);
  }
});
