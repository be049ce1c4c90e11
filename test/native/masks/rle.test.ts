import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import {bitmapOf, randomMask} from '../../masks/random-masks.js';
import {readJson} from '../../read-json.js';
import {decodeBytes, readCases} from '../fixture.js';
import {naiveRunLengths, naiveUnpack} from '../oracles/rle.js';

const {rle} = await loadBinding();

test('runs go down the columns and start with 0', (t) => {
  // 0 1
  // 1 1: in column-major order 0 1 1 1, so the runs are 1 and 3.
  t.is(rle.encode(Uint8Array.of(0, 1, 1, 1), 2, 2), '13');
  t.deepEqual([...rle.decode('13', 2, 2)], [0, 1, 1, 1]);
  t.is(rle.encode(Uint8Array.of(1, 0), 1, 2), '011');
  t.is(rle.encode(new Uint8Array(6), 3, 2), '6');
});

test('any byte but 0 counts as 1', (t) => {
  t.is(rle.encode(Uint8Array.of(0, 255, 7, 1), 2, 2), '13');
});

test('lengths over 15 take more characters, from the fourth on differences are stored', (t) => {
  // 16 = 0b10000 needs a second character, because its top bit would be read as the sign.
  t.is(rle.encode(new Uint8Array(16), 16, 1), '`0');
  // Runs 5 2 1 4: the last one is stored as 4 - 2.
  t.is(rle.encode(Uint8Array.of(0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 1, 1), 1, 12), '5212');
});

test('encodes and decodes every bitmap, with the run lengths of the naive implementation', (t) => {
  const bitmaps = fc
    .tuple(fc.integer({min: 1, max: 70}), fc.integer({min: 1, max: 20}), fc.double({min: 0, max: 1, noNaN: true}))
    .chain(([width, height, density]) => {
      const pixel = fc.double({min: 0, max: 1, noNaN: true}).map((value) => (value < density ? 1 : 0));
      const pixels = fc.array(pixel, {minLength: width * height, maxLength: width * height});
      return fc.record({width: fc.constant(width), height: fc.constant(height), pixels});
    });
  fc.assert(
    fc.property(bitmaps, ({width, height, pixels}) => {
      const bitmap = Uint8Array.from(pixels);
      const counts = rle.encode(bitmap, width, height);
      t.deepEqual(naiveUnpack(counts), naiveRunLengths(bitmap, width, height));
      t.deepEqual(rle.decode(counts, width, height), bitmap);
    }),
  );
});

type RleCase = {width: number; height: number; bits: string; counts: string};

test("equals pycocotools' strings character for character", (t) => {
  for (const {width, height, bits, counts} of readCases<RleCase>('rle')) {
    const packed = decodeBytes(bits);
    const bitmap = Uint8Array.from({length: width * height}, (_, i) => (packed[i >> 3]! >> (7 - (i & 7))) & 1);
    t.is(rle.encode(bitmap, width, height), counts);
    t.deepEqual(rle.decode(counts, width, height), bitmap);
  }
});

test('empty runs in the middle are read', (t) => {
  // Runs 1 0 1 0 2: two pixels of 0 with nothing between them, and two more.
  t.deepEqual([...rle.decode('10101', 2, 2)], [0, 0, 0, 0]);
});

type MasksCase = {
  width: number;
  height: number;
  counts: string[];
  areas: number[];
  boxes: number[];
  crowd: number[];
  iou: number[];
  unions: string[];
  intersections: string[];
  all: string;
};
type PolygonCase = {width: number; height: number; polygons: number[][]; counts: string[]; merged: string};
const {masks, polygons} = readJson<{masks: MasksCase[]; polygons: PolygonCase[]}>('evaluation/masks.json');

test("areas, boxes, unions, intersections and overlaps are pycocotools'", (t) => {
  for (const {width, height, counts, ...expected} of masks) {
    t.deepEqual([...rle.areas(counts, width, height)], expected.areas);
    t.deepEqual([...rle.boxes(counts, width, height)], expected.boxes);
    const pairs = counts.flatMap((a) => counts.map((b) => [a, b]));
    const merged = (intersect: boolean) => pairs.map((pair) => rle.merge(pair, width, height, intersect));
    t.deepEqual(merged(false), expected.unions);
    t.deepEqual(merged(true), expected.intersections);
    t.is(rle.merge(counts, width, height, false), expected.all);
    t.deepEqual([...rle.iou(counts, counts, Uint8Array.from(expected.crowd), width, height)], expected.iou);
  }
});

const flat = (parts: number[][]) => {
  let end = 0;
  return {points: Float64Array.from(parts.flat()), ends: Int32Array.from(parts, (part) => (end += part.length))};
};

test("polygons have pycocotools' masks", async (t) => {
  for (const {width, height, polygons: parts, counts, merged} of polygons) {
    const each = [...parts.map((part) => flat([part])), flat(parts)];
    const segments = await rle.readSegmentations(each, width, height, false);
    const found = segments.map((segment) => ('fault' in segment ? segment.fault : segment.counts));
    t.deepEqual(found, [...counts, merged], `${width} × ${height}`);
  }
});

test('a segment has the area, box and crop of its mask', async (t) => {
  const given = [flat([[1, 0, 3, 0, 3, 2, 1, 2]]), '39', Float64Array.of(3, 1, 1, 1, 6)];
  const [square, text, lengths] = await rle.readSegmentations(given, 4, 3, true);
  t.deepEqual(square, {
    counts: rle.encode(Uint8Array.of(0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0), 4, 3),
    area: 4,
    box: [1, 0, 2, 2],
    crop: {left: 1, top: 0, width: 2, height: 2, data: Uint8Array.of(1, 1, 1, 1)},
  });
  t.like(text, {counts: '39', area: 9, box: [1, 0, 3, 3]});
  t.like(lengths, {area: 2, box: [1, 0, 1, 3], crop: {data: Uint8Array.of(1, 0, 1)}});
});

test('segmentations that are none become faults', async (t) => {
  for (const [given, message] of [
    [{points: [0, 0, 1, 1], ends: [4]}, /three points or more, got 2/],
    [{points: [0, 0, 1, 1, 2], ends: [5]}, /as many x as y, got 5 numbers/],
    [{points: [0, 0, 1, 1, 2, 1e9], ends: [6]}, /within 1048576/],
    [{points: [], ends: []}, /one mask at least/],
    ['5', /must add up to 16 pixels, got 5/],
    [[3, 1.5, 11.5], /whole numbers of pixels, got 1\.5/],
    [[3, 1], /must add up to 16 pixels, got 4/],
  ] as [string | number[] | {points: number[]; ends: number[]}, RegExp][]) {
    const segmentation =
      typeof given === 'string'
        ? given
        : Array.isArray(given)
          ? Float64Array.from(given)
          : {points: Float64Array.from(given.points), ends: Int32Array.from(given.ends)};
    const [segment, after] = await rle.readSegmentations([segmentation, '`0'], 4, 4, false);
    t.regex((segment as {fault: string}).fault, message);
    t.like(after, {area: 0}); // the others are decoded
  }
  const from = (points: number[], ends: number[]) => () =>
    rle.readSegmentations([{points: Float64Array.from(points), ends: Int32Array.from(ends)}], 4, 4, false);
  t.throws(from([0, 0, 1, 1, 2, NaN], [6]), {instanceOf: RangeError, message: /points\[5\] must be finite, got NaN/});
  t.throws(from([0, 0, 1, 1, 2, 1], [7]), {
    instanceOf: RangeError,
    message: /ends must be ascending, none above 6, got 7/,
  });
});

const twoBitmaps = fc.tuple(fc.integer({min: 1, max: 12}), fc.integer({min: 1, max: 12})).chain(([width, height]) => {
  const bits = fc.array(fc.integer({min: 0, max: 1}), {minLength: width * height, maxLength: width * height});
  return fc.record({width: fc.constant(width), height: fc.constant(height), a: bits, b: bits});
});

test('what is asked of run lengths is what bitmaps say', (t) => {
  fc.assert(
    fc.property(twoBitmaps, ({width, height, a, b}) => {
      const [first, second] = [a, b].map((bits) => rle.encode(Uint8Array.from(bits), width, height)) as [
        string,
        string,
      ];
      const on = a.flatMap((bit, i) => (bit === 1 ? [{x: i % width, y: Math.floor(i / width)}] : []));
      t.is(rle.areas([first], width, height)[0], on.length);
      const [left, top] = [Math.min(...on.map(({x}) => x)), Math.min(...on.map(({y}) => y))];
      const box = [left, top, Math.max(...on.map(({x}) => x)) + 1 - left, Math.max(...on.map(({y}) => y)) + 1 - top];
      t.deepEqual([...rle.boxes([first], width, height)], on.length === 0 ? [0, 0, 0, 0] : box);

      const count = (keep: (one: number, other: number) => boolean) => a.filter((bit, i) => keep(bit, b[i]!)).length;
      const [shared, either] = [count((p, q) => p + q === 2), count((p, q) => p + q > 0)];
      const overlap = (whole: number) => (shared === 0 ? 0 : shared / whole);
      const iou = (crowd: number) => rle.iou([first], [second], Uint8Array.of(crowd), width, height)[0];
      t.is(iou(0), overlap(either));
      t.is(iou(1), overlap(on.length));
      const union = Uint8Array.from(a, (bit, i) => bit | b[i]!);
      t.deepEqual(rle.decode(rle.merge([first, second], width, height, false), width, height), union);

      const {data, ...crop} = rle.crop(first, width, height);
      t.deepEqual(Object.values(crop), on.length === 0 ? [0, 0, 0, 0] : box);
      t.is(rle.encodeCrop({...crop, data}, width, height), first);
      t.is(rle.fromRuns([...rle.toRuns(first, width, height)], width, height), first);
    }),
  );
});

test('within a rectangle, inside or outside of the mask, there is what the bitmap says', (t) => {
  const place = fc.integer({min: -15, max: 15});
  const side = fc.integer({min: 1, max: 20});
  fc.assert(
    fc.property(randomMask, place, place, side, side, ({width, height, pixels}, left, top, columns, rows) => {
      const counts = rle.within(rle.encode(pixels, width, height), width, height, left, top, columns, rows);
      const expected = bitmapOf(columns, rows, (column, row) => {
        const [x, y] = [left + column, top + row];
        return x >= 0 && y >= 0 && x < width && y < height && pixels[y * width + x] === 1;
      });
      t.is(counts, rle.encode(expected.pixels, columns, rows));
    }),
  );
});

test('a rectangle can be anywhere, but not between pixels', (t) => {
  const most = 2 ** 31;
  t.is(rle.within('04', 2, 2, most, -most, most, 1), rle.fromRuns([most], most, 1));
  t.is(rle.within('04', 2, 2, -most, -most, 1, 1), '1');
  for (const place of [0.5, NaN, most + 1, -most - 1, '0']) {
    const error = t.throws(() => rle.within('04', 2, 2, place as number, 0, 1, 1));
    t.regex(error.message, /^left must be /);
    t.regex(t.throws(() => rle.within('04', 2, 2, 0, place as number, 1, 1)).message, /^top must be /);
  }
  t.throws(() => rle.within('04', 2, 2, 0, 0, most, 2), {instanceOf: RangeError});
  t.throws(() => rle.within('05', 2, 2, 0, 0, 1, 1), {instanceOf: RangeError});
});

test('of two lists of masks, the pairs that share pixels of a rectangle are found', async (t) => {
  const placed = fc.record({
    mask: randomMask,
    left: fc.integer({min: -15, max: 15}),
    top: fc.integer({min: -9, max: 9}),
  });
  const list = fc.array(placed, {maxLength: 5});
  const side = fc.integer({min: 1, max: 20});
  await fc.assert(
    fc.asyncProperty(list, list, side, side, async (ones, others, width, height) => {
      const counts = (masks: typeof ones) => masks.map(({mask}) => rle.encode(mask.pixels, mask.width, mask.height));
      const places = (masks: typeof ones) =>
        Int32Array.from(masks.flatMap(({left, top, mask}) => [left, top, mask.width, mask.height]));
      const views = (masks: typeof ones) =>
        masks.map(
          ({left, top, mask}) =>
            bitmapOf(width, height, (column, row) => {
              const [x, y] = [column - left, row - top];
              return x >= 0 && y >= 0 && x < mask.width && y < mask.height && mask.pixels[y * mask.width + x] === 1;
            }).pixels,
        );
      const found = await rle.sharedPixels(counts(ones), places(ones), counts(others), places(others), width, height);
      const area = (pixels: Uint8Array) => pixels.reduce((sum, value) => sum + value, 0);
      const [seen, otherSeen] = [views(ones), views(others)];
      t.deepEqual([...found.areas], seen.map(area));
      t.deepEqual([...found.otherAreas], otherSeen.map(area));
      const expected = seen.flatMap((one, i) =>
        otherSeen.flatMap((other, j) => {
          const shared = one.filter((value, at) => value === 1 && other[at] === 1).length;
          return shared === 0 ? [] : [[i, j, shared]];
        }),
      );
      t.deepEqual(
        [...found.pixels].map((shared, p) => [found.pairs[2 * p]!, found.pairs[2 * p + 1]!, shared]),
        expected,
      );
    }),
  );
});

test('masks that are not of their rectangles are refused when pixels are shared', async (t) => {
  const place = Int32Array.of(0, 0, 2, 2);
  const share = (counts: unknown, places: unknown = place, width = 2) =>
    rle.sharedPixels(['04'], place, counts as string[], places as Int32Array, width, 2);
  await t.throwsAsync(share(['05']), {instanceOf: RangeError});
  t.throws(() => share([4]), {instanceOf: TypeError});
  t.throws(() => share(['04'], [0, 0, 2, 2]), {instanceOf: TypeError});
  t.throws(() => share(['04'], Int32Array.of(0, 0, 2)), {instanceOf: RangeError});
  t.throws(() => share(['04'], Int32Array.of(0, 0, 0, 2)), {instanceOf: RangeError});
  t.throws(() => share(['04'], Int32Array.of(0, 0, 2 ** 16, 2 ** 16)), {instanceOf: RangeError});
  t.throws(() => share(['04'], place, 0), {instanceOf: RangeError});
  // As far away as the numbers go.
  const far = Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 2, 2);
  t.deepEqual([...(await share(['04'], far)).otherAreas], [0]);
});

type Box = [left: number, top: number, columns: number, rows: number];

test('trimmed masks are those of their boxes', async (t) => {
  const [width, height] = [7, 5];
  const row = fc.integer({min: 0, max: 2 ** width - 1}); // bits of its pixels
  const bitmap = fc.array(fc.oneof(fc.constant(0), row), {minLength: height, maxLength: height});
  await fc.assert(
    fc.asyncProperty(fc.array(bitmap, {maxLength: 4}), async (bitmaps) => {
      const texts = bitmaps.map((rows) => {
        const {pixels} = bitmapOf(width, height, (x, y) => ((rows[y]! >> x) & 1) === 1);
        return rle.encode(pixels, width, height);
      });
      const trimmed = await rle.trim(texts, width, height);
      t.deepEqual(trimmed.areas, rle.areas(texts, width, height));
      t.deepEqual(trimmed.boxes, rle.boxes(texts, width, height));
      for (const [i, text] of texts.entries()) {
        const [left, top, columns, rows] = trimmed.boxes.subarray(4 * i, 4 * i + 4) as unknown as Box;
        const expected = trimmed.areas[i] === 0 ? '' : rle.within(text, width, height, left, top, columns, rows);
        t.is(trimmed.counts[i], expected);
      }
    }),
  );
  await t.throwsAsync(rle.trim(['04', '05'], 2, 2), {instanceOf: RangeError});
  t.throws(() => rle.trim(['04'], 0, 2), {instanceOf: RangeError});
  t.throws(() => rle.trim([4 as unknown as string], 2, 2), {instanceOf: TypeError});
});

test('large results have the same numbers, and can be freed', async (t) => {
  const {freeBytes} = await loadBinding();
  const [width, height] = [1201, 1000]; // above 1 MiB, where JavaScript gets the memory of the addon
  const bitmap = Uint8Array.from({length: width * height}, (_, i) => (i % 3 === 0 || i % 7 === 0 ? 1 : 0));
  const counts = rle.encode(bitmap, width, height);
  const [segment] = await rle.readSegmentations([counts], width, height, true);
  const {crop} = segment as {crop: {data: Uint8Array}};
  for (const data of [rle.decode(counts, width, height), rle.crop(counts, width, height).data, crop.data]) {
    t.deepEqual(data, bitmap);
    freeBytes(data);
    t.is(data.length, 0);
  }
  const runs = rle.toRuns(counts, width, height);
  t.true(runs.byteLength > 2 ** 20);
  t.is(rle.fromRuns([...runs], width, height), counts);
});

test('empty runs vanish, where pycocotools goes astray', (t) => {
  // Three pixels in runs of 2 and 1. In pycocotools, the union of this mask with itself ends at the empty run ('32').
  const runs = [3, 2, 0, 1, 3];
  const counts = rle.fromRuns(runs, 3, 3);
  t.deepEqual([...rle.toRuns(counts, 3, 3)], [3, 3, 3]);
  t.is(rle.merge(['320O3', '320O3'], 3, 3, false), counts);
  // For an object without pixels, pycocotools gives a box of 4294967294 pixels.
  t.deepEqual([...rle.boxes(['504'], 3, 3)], [0, 0, 0, 0]);
});

test('no text makes it crash or accept what does not add up', (t) => {
  const text = fc.oneof(fc.string(), fc.string({unit: fc.constantFrom(...'0123456789:;<=>?@PQRo')}));
  fc.assert(
    fc.property(text, fc.integer({min: 1, max: 9}), fc.integer({min: 1, max: 9}), (counts, width, height) => {
      let bitmap: Uint8Array;
      try {
        bitmap = rle.decode(counts, width, height);
      } catch (error) {
        t.true(error instanceof RangeError);
        return;
      }
      t.is(bitmap.length, width * height);
      t.is(
        naiveUnpack(counts).reduce((sum, run) => sum + run, 0),
        width * height,
      );
    }),
    {numRuns: 2000},
  );
});
