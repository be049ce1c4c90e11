import {writeFile} from 'node:fs/promises';
import {pathToFileURL} from 'node:url';
import test from 'ava';
import fc from 'fast-check';
import {type Detections, encodeRle, measure, type Rle, rleFromRuns} from '../../lib/index.js';
import {writePng} from '../image/png-writer.js';
import {writeTiff} from '../image/tiff-writer.js';
import {temporaryFolder} from '../libtorch/fake-wheel.js';
import {type Bitmap, bitmapOf, drawn, padded, partsOf, randomMask} from '../masks/random-masks.js';
import {imageOf, readRegionprops} from './fixture.js';

const encode = ({width, height, pixels}: Bitmap) => encodeRle(pixels, width, height);

async function measured(bitmap: Bitmap) {
  const [row] = await measure(undefined, [await encode(bitmap)]);
  return row!;
}

function detections(width: number, height: number, masks: Rle[], classNames: string[]): Detections {
  return {
    width,
    height,
    boxes: new Float32Array(4 * masks.length),
    labels: new Int32Array(masks.length),
    classNames,
    scores: Float32Array.from(masks, (_, index) => 1 / (index + 1)),
    masks,
  };
}

const close = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(b), 1e-3);

for (const {name, width, height, runs, values} of readRegionprops()) {
  test(`equals scikit-image: ${name}`, async (t) => {
    const mask = await rleFromRuns(runs, width, height);
    const [row] = await measure({data: imageOf(width, height), width, height}, [mask]);
    t.is(Object.keys(values).length, 30);
    for (const [column, value] of Object.entries(values)) {
      const got = row![column as 'area'];
      t.true(close(got, value), `${column}: ${got} instead of ${value}`);
    }
  });
}

test('by hand: a rectangle of 4 × 2 pixels', async (t) => {
  const row = await measured(drawn('......', '.####.', '.####.', '......'));
  // A row of n pixels has the variance (n² - 1) / 12, and an axis is four standard deviations.
  t.true(close(row.axis_major_length, 4 * Math.sqrt(15 / 12)));
  t.true(close(row.axis_minor_length, 4 * Math.sqrt(3 / 12)));
  t.true(close(row.eccentricity, Math.sqrt(1 - 3 / 15)));
  t.is(row.orientation, Math.PI / 2);
  // From the middle of the left side of a corner pixel to that of the right side of the opposite one.
  t.is(row.feret_diameter_max, Math.hypot(4, 1));
  t.is(row.equivalent_diameter_area, Math.sqrt(32 / Math.PI));
  t.like(row, {id: 1, area: 8, area_convex: 8, perimeter: 8, solidity: 1, extent: 1, touches_border: 0});
  t.like(row, {'centroid-0': 1.5, 'centroid-1': 2.5, 'bbox-0': 1, 'bbox-1': 1, 'bbox-2': 3, 'bbox-3': 5});
  t.like(row, {euler_number: 1, parts: 1, holes: 0});
  t.deepEqual(Object.keys(row).length, 22);
});

test('parts are connected by corners, holes by sides', async (t) => {
  t.like(await measured(drawn('#..', '.#.', '..#')), {parts: 1, holes: 0, euler_number: 1, touches_border: 1});
  t.like(await measured(drawn('.#.', '#.#', '.#.')), {parts: 1, holes: 1, euler_number: 0});
  t.like(await measured(drawn('#####', '#.###', '##.##', '#####')), {parts: 1, holes: 2, euler_number: -1});
  await fc.assert(
    fc.asyncProperty(randomMask, async (bitmap) => {
      const {area, parts, holes, euler_number} = await measured(bitmap);
      t.is(area, bitmap.pixels.filter(Boolean).length);
      t.is(parts, partsOf(bitmap, 1, true).length);
      t.is(holes, partsOf(padded(bitmap), 0, false).length - 1);
      t.is(euler_number, parts - holes);
    }),
  );
});

test('a shape has the same measurements wherever it lies and when it is turned by 90 degrees', async (t) => {
  await fc.assert(
    fc.asyncProperty(randomMask, fc.nat(5), fc.nat(5), async (bitmap, dx, dy) => {
      const {width, height, pixels} = bitmap;
      if (!pixels.includes(1)) return;
      const at = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && pixels[y * width + x] === 1;
      const row = await measured(bitmap);
      const moved = await measured(bitmapOf(width + dx + 3, height + dy + 2, (x, y) => at(x - dx, y - dy)));
      const turned = await measured(bitmapOf(height, width, (x, y) => at(y, height - 1 - x)));
      const same = ['area', 'area_convex', 'perimeter', 'axis_major_length', 'eccentricity', 'solidity'] as const;
      const also = ['extent', 'feret_diameter_max', 'equivalent_diameter_area', 'parts', 'holes'] as const;
      for (const name of [...same, ...also]) {
        t.true(close(moved[name], row[name]), `${name} moved: ${moved[name]}, ${row[name]}`);
        t.true(close(turned[name], row[name]), `${name} turned: ${turned[name]}, ${row[name]}`);
      }
      t.true(close(moved['centroid-0'], row['centroid-0'] + dy));
      t.true(close(moved['centroid-1'], row['centroid-1'] + dx));
    }),
  );
});

test('ids, classes and scores are those of the detections; lengths and areas in µm, too', async (t) => {
  const square = await encode(drawn('....', '.##.', '.##.'));
  const empty = await encode(drawn('....', '....', '....'));
  const found = detections(4, 3, [square, empty], ['cell', 'nucleus']);
  const [first, second] = await measure(undefined, found, {micronsPerPixel: 0.5});
  t.like(first, {id: 1, class: 'cell', score: 1, area: 4, area_um2: 1, 'bbox-3': 3, 'bbox-3_um': 1.5});
  t.like(first, {perimeter: 4, perimeter_um: 2, 'centroid-0': 1.5, 'centroid-0_um': 0.75});
  const names = Object.keys(first!);
  t.is(names.filter((name) => name.endsWith('_um')).length, 11);
  t.is(names.filter((name) => name.endsWith('_um2')).length, 2);
  t.like(second, {id: 2, class: 'nucleus', score: 0.5, area: 0, parts: 0, holes: 0, euler_number: 0, perimeter: NaN});
  t.deepEqual(await measure(undefined, detections(4, 3, [], [])), []);
  t.deepEqual(await measure(undefined, []), []);
});

test('intensities of files, of 16 bits, of fractions, and of any number of channels', async (t) => {
  const mask = await encode(drawn('.##', '.##'));
  const values = [0, 1000, 65535, 7, 3, 2];
  const [wide] = await measure({data: Uint16Array.from(values), width: 3, height: 2}, [mask]);
  t.like(wide, {'intensity_mean-0': 66540 / 4, 'intensity_min-0': 2, 'intensity_max-0': 65535});
  const squares = [1000, 65535, 3, 2].map((value) => (value - 66540 / 4) ** 2);
  t.true(close(wide!['intensity_std-0']!, Math.sqrt(squares.reduce((sum, value) => sum + value) / 4)));
  t.is(wide!['intensity_mean-1'], undefined);

  const fractions = Float32Array.from(values, (value) => value / 4);
  const [fraction] = await measure({data: fractions, width: 3, height: 2, channels: 1}, [mask]);
  t.is(fraction!['intensity_mean-0'], 66540 / 16);
  fractions[1] = NaN;
  const [missing] = await measure({data: fractions, width: 3, height: 2}, [mask]);
  t.like(missing, {'intensity_mean-0': NaN, 'intensity_std-0': NaN, 'intensity_min-0': NaN, 'intensity_max-0': NaN});

  const clamped = Uint8ClampedArray.from({length: 30}, (_, i) => i);
  const [many] = await measure({data: clamped, width: 3, height: 2}, [mask]);
  t.is(many!['intensity_mean-4'], (9 + 14 + 24 + 29) / 4);
});

test('intensities of files are the stored numbers of all channels', async (t) => {
  const mask = await encode(drawn('.##', '.##'));
  const size = {width: 3, height: 2};
  const file = `${temporaryFolder(t)}/image`;
  const read = async (bytes: Uint8Array) => {
    const [row] = await measure(bytes, [mask]);
    await writeFile(file, bytes);
    for (const path of [file, pathToFileURL(file)]) t.deepEqual(await measure(path, [mask]), [row!]);
    return row!;
  };
  const grey = await read(writePng({...size, bits: 8, value: (x, y) => 3 * y + x + 1}));
  t.like(grey, {'intensity_mean-0': 4, 'intensity_min-0': 2, 'intensity_max-0': 6, 'intensity_mean-1': undefined});
  const rgb = await read(writePng({...size, bits: 8, kind: 'rgb', value: (x, y, c) => 10 * c + 3 * y + x}));
  t.like(rgb, {'intensity_mean-0': 3, 'intensity_mean-2': 23, 'intensity_max-1': 15, 'intensity_mean-3': undefined});

  const wide = await read(writeTiff({...size, data: Uint16Array.of(9, 1000, 65535, 9, 300, 2)}));
  t.like(wide, {'intensity_mean-0': 66837 / 4, 'intensity_min-0': 2, 'intensity_max-0': 65535});
  const squares = [1000, 65535, 300, 2].map((value) => (value - 66837 / 4) ** 2);
  t.true(close(wide['intensity_std-0']!, Math.sqrt(squares.reduce((sum, value) => sum + value) / 4)));
  const signed = await read(writeTiff({...size, data: Int16Array.of(0, -32768, 5, 0, -7, 1)}));
  t.like(signed, {'intensity_mean-0': -32769 / 4, 'intensity_min-0': -32768, 'intensity_max-0': 5});
  const floats = await read(writeTiff({...size, data: Float32Array.of(NaN, -2.5, 1024.25, NaN, 0, 1)}));
  t.like(floats, {'intensity_mean-0': 1022.75 / 4, 'intensity_min-0': -2.5, 'intensity_max-0': 1024.25});
  const samples = 5;
  const five = Uint16Array.from({length: 6 * samples}, (_, i) => 1000 * (i % samples) + Math.floor(i / samples));
  const many = await read(writeTiff({...size, data: five, samples}));
  t.like(many, {'intensity_mean-0': 3, 'intensity_mean-4': 4003, 'intensity_max-3': 3005, 'intensity_min-1': 1001});
  t.is(many['intensity_mean-5'], undefined);

  const stack = writeTiff([wideOf(7), wideOf(900)]);
  const page = async (index: number) => (await measure(stack, [mask], {page: index}))[0]!['intensity_mean-0'];
  t.deepEqual([await page(0), await page(1)], [7, 900]);
  await t.throwsAsync(page(2), {code: 'INVALID_IMAGE', message: /there is no page 2/});
});

function wideOf(value: number) {
  return {width: 3, height: 2, data: new Uint16Array(6).fill(value)};
}

test('what cannot be measured is refused, with the object or the file', async (t) => {
  const mask = await encode(drawn('.##', '.##'));
  const refused = async (work: Promise<unknown>, code: string, message: RegExp) => {
    await t.throwsAsync(work, {code, message});
  };
  await refused(measure(undefined, [mask, {size: [2, 3], counts: '4'}]), 'INVALID_MASK', /Object 2 .* add up to 6/);
  await refused(measure(undefined, [mask, {size: [3, 2], counts: '6'}]), 'INVALID_MASK', /Object 2 .* got 2 × 3/);
  await refused(measure(undefined, [{size: [0, 3], counts: ''}]), 'INVALID_MASK', /height/);
  for (const wrong of [undefined, 5, [undefined], [{counts: 5}], {masks: [], scores: [1]}, {scores: []}]) {
    await refused(measure(undefined, wrong as never), 'INVALID_MASK', /run-length encoded mask for each/);
  }
  await refused(measure('no.png', [mask]), 'INVALID_IMAGE', /no\.png/);
  const image = {data: new Uint8Array(6), width: 3, height: 2};
  await refused(measure({...image, width: 2}, [mask]), 'INVALID_IMAGE', /size of the masks, 3 × 2 pixels, got 2 × 2/);
  await refused(measure({...image, data: new Uint8Array(7)}, [mask]), 'INVALID_IMAGE', /values for each of 3 × 2/);
  await refused(measure({...image, channels: 2}, [mask]), 'INVALID_IMAGE', /2 values for each of 3 × 2 pixels, got 6/);
  await refused(measure({...image, data: [] as never}, [mask]), 'INVALID_IMAGE', /Float32Array/);
  const named = {...image, width: 2, file: 'a.tif'};
  await refused(measure(named, [mask]), 'INVALID_IMAGE', /^a\.tif must have the size of the masks/);
  for (const none of [image, undefined]) {
    await refused(measure(none, [mask], {page: 0}), 'INVALID_OPTION', /'page' of measure\(\) is for image files/);
  }
  await refused(measure(writeTiff(wideOf(1)), [mask], {page: -1}), 'INVALID_OPTION', /page/);
  await refused(measure(7 as never, [mask]), 'INVALID_IMAGE', /must be a path, bytes or pixels, got 7/);
  for (const micronsPerPixel of [0, -1, NaN, Infinity, '1' as never]) {
    await refused(measure(undefined, [mask], {micronsPerPixel}), 'INVALID_OPTION', /micronsPerPixel/);
  }
});

test('70,000 objects are measured while the event loop runs on', async (t) => {
  const side = 2000;
  const counts = await Promise.all(
    Array.from({length: 50}, (_, i) =>
      rleFromRuns([side * 7 * i + i, 5, side - 5, 5, side * side - side * 7 * i - i - side - 5], side, side),
    ),
  );
  const masks = Array.from({length: 70_000}, (_, i) => counts[i % 50]!);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const rows = await measure(undefined, masks);
  clearInterval(timer);
  t.true(ticks >= 10, String(ticks));
  t.is(rows.length, 70_000);
  t.like(rows[69_999], {id: 70_000, area: 10, 'bbox-0': 49, 'bbox-1': 7 * 49, 'bbox-2': 54, 'bbox-3': 7 * 49 + 2});
});
