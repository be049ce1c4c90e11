import test from 'ava';
import fc from 'fast-check';
import type {NativeImage, NativeMasks, NativeWarpOptions} from '../../../binding.js';
import {loadBinding} from '../../../lib/addon/binding.js';
import {averaged, mirrored, naiveWarp, origins} from '../oracles/warp.js';

const {pixels} = await loadBinding();

const noMasks: NativeMasks = {maskRects: new Int32Array(0), maskData: new Uint8Array(0)};
const plain = {grid: null, fill: null, shrink: 1};
const unmoved = [1, 0, 0, 0, 1, 0];

const images: fc.Arbitrary<NativeImage> = fc
  .tuple(fc.integer({min: 1, max: 9}), fc.integer({min: 1, max: 9}), fc.integer({min: 0, max: 255}))
  .map(([width, height, seed]) => ({
    width,
    height,
    data: Uint8Array.from({length: width * height * 3}, (_, i) => (seed + i * i * 31 + i * 17) % 256),
  }));

const real = (most: number) => fc.double({min: -most, max: most, noNaN: true});

const maps: fc.Arbitrary<NativeWarpOptions> = fc
  .record({
    width: fc.integer({min: 1, max: 12}),
    height: fc.integer({min: 1, max: 12}),
    matrix: fc.tuple(real(2), real(2), real(20), real(2), real(2), real(20)),
    spacing: fc.option(fc.double({min: 1, max: 8, noNaN: true}), {nil: null}),
    points: fc.array(fc.float({min: -3, max: 3, noNaN: true}), {minLength: 8, maxLength: 8}),
    fill: fc.option(fc.constant<[number, number, number]>([7, 130, 255]), {nil: null}),
  })
  .map(({width, height, matrix, spacing, points, fill}) => {
    if (spacing === null) return {width, height, matrix, grid: null, fill, shrink: 1};
    const count = (size: number) => Math.floor((size - 0.5) / spacing) + 4;
    const [columns, rows] = [count(width), count(height)];
    const grid = {
      columns,
      rows,
      spacing,
      points: Float32Array.from({length: columns * rows * 2}, (_, i) => points[i % 7]!),
    };
    return {width, height, matrix, grid, fill, shrink: 1};
  });

/** A coordinate this close to a border may fall on either side of it. */
const onEdge = ([x, y]: [number, number]) => [x, y].some((at) => Math.abs(at - Math.round(at)) < 1e-6);

test('pixels are those of a naive bilinear resampling, affine and bent, mirrored and filled', async (t) => {
  await fc.assert(
    fc.asyncProperty(images, maps, async (image, options) => {
      const [{data}, expected, from] = [
        await pixels.warp(image, noMasks, options),
        naiveWarp(image, options),
        origins(options),
      ];
      return expected.every((value, i) => Math.abs(data[i]! - value) <= 1 || onEdge(from[Math.floor(i / 3)]!));
    }),
    {numRuns: 400},
  );
  t.pass();
});

test('masks are taken from the nearest pixel of the same map, overlapping ones apart', async (t) => {
  await fc.assert(
    fc.asyncProperty(images, maps, async (image, options) => {
      const {width, height} = image;
      // Masks of the whole image and of one of its pixels.
      const [column, row] = [width >> 1, height >> 1];
      const maskRects = Int32Array.of(0, 0, width, height, column, row, 1, 1);
      const warped = await pixels.warp(
        image,
        {maskRects, maskData: new Uint8Array(width * height + 1).fill(1)},
        options,
      );
      const shown = [0, 1].map((source) => painted(warped, options).map((owners) => owners.includes(source)));
      return origins(options).every((from, i) => {
        if (onEdge(from)) return true;
        const [x, y] = from.map(Math.floor) as [number, number];
        const isShown = options.fill === null || (x >= 0 && y >= 0 && x < width && y < height);
        const isPixel = isShown && mirrored(x, width) === column && mirrored(y, height) === row;
        return shown[0]![i] === isShown && shown[1]![i] === isPixel;
      });
    }),
    {numRuns: 400},
  );
  t.pass();
});

type Warped = Awaited<ReturnType<typeof pixels.warp>>;

/** For each pixel, the sources of the instances that contain it. */
function painted({sources, maskRects, maskData, areas}: Warped, {width, height}: NativeWarpOptions): number[][] {
  const owners = Array.from({length: width * height}, (): number[] => []);
  let offset = 0;
  for (const [k, source] of sources.entries()) {
    const [left, top, columns, rows] = maskRects.subarray(4 * k);
    let area = 0;
    for (let i = 0; i < columns! * rows!; i++) {
      if (maskData[offset + i] !== 1) continue;
      owners[(top! + Math.floor(i / columns!)) * width + left! + (i % columns!)]!.push(source);
      area++;
    }
    if (area !== areas[k]) throw new Error(`area ${areas[k]} of ${area} pixels`);
    offset += columns! * rows!;
  }
  if (offset !== maskData.length) throw new Error(`${maskData.length} bytes of masks for ${offset}`);
  return owners;
}

test('squares are averaged before an image is made smaller', async (t) => {
  const [width, height] = [10, 7];
  const image = {width, height, data: Uint8Array.from({length: 210}, (_, i) => (i * i * 13) % 256)};
  const options = {...plain, width: 3, height: 2, matrix: [3, 0, 0.3, 0, 3, 0.2], shrink: 3};
  const {data} = await pixels.warp(image, noMasks, options);
  const expected = naiveWarp(averaged(image, 3), {...options, matrix: options.matrix.map((value) => value / 3)});
  t.true(expected.every((value, i) => Math.abs(data[i]! - value) <= 1));
});

/**
 * One row of `ids`, moved right by `shift` and extended to `width` pixels by mirroring. Returns the columns of each
 * instance.
 */
async function rowOf(ids: number[], shift: number, width: number): Promise<[source: number, columns: string][]> {
  const numbers = [...new Set(ids)].filter((id) => id > 0).sort();
  const masks = numbers.map((id) => ids.map((each) => Number(each === id)));
  const image = {width: ids.length, height: 1, data: new Uint8Array(ids.length * 3)};
  const {sources, sourceAreas, maskRects, maskData} = await pixels.warp(
    image,
    {
      maskRects: Int32Array.from(masks.flatMap(() => [0, 0, ids.length, 1])),
      maskData: Uint8Array.from(masks.flat()),
    },
    {...plain, width, height: 1, matrix: [1, 0, -shift, 0, 1, 0]},
  );
  let offset = 0;
  return [...sources].map((source, k) => {
    const [left, , columns] = maskRects.subarray(4 * k);
    const bits = maskData.subarray(offset, offset + columns!);
    offset += columns!;
    if (sourceAreas[k] !== masks[source]!.filter(Boolean).length) throw new Error(`source area ${sourceAreas[k]}`);
    return [source, '.'.repeat(left!) + [...bits].map((on) => (on ? '#' : '.')).join('')];
  });
}

test('what a mirror shows belongs to an instance that it touches, and is another one else', async (t) => {
  // 1 1 0 2 with three columns before and three after: 0 1 1 | 1 1 0 2 | 2 0 1
  t.deepEqual(await rowOf([1, 1, 0, 2], 3, 10), [
    [0, '.####'],
    [0, '.........#'],
    [1, '......##'],
  ]);
  // Two parts of one instance stay one instance, in the image and in its mirror: 2 0 1 0 1 | 1 0 1 0 2 | 2
  t.deepEqual(await rowOf([1, 0, 1, 0, 2], 5, 11), [
    [0, '..#.##.#'],
    [1, '.........##'],
    [1, '#'],
  ]);
  // Mirrored twice: 1 0 | 0 1 | 1 0 | 0 1
  t.deepEqual(await rowOf([1, 0], 4, 8), [
    [0, '...##'],
    [0, '#'],
    [0, '.......#'],
  ]);
});

test('more than 65,535 instances keep their numbers', async (t) => {
  const [width, height, count] = [300, 300, 70_000];
  const image = {width, height, data: new Uint8Array(3 * width * height)};
  const maskRects = new Int32Array(4 * count);
  for (let i = 0; i < count; i++) maskRects.set([i % width, Math.floor(i / width), 1, 1], 4 * i);
  const masks = {maskRects, maskData: new Uint8Array(count).fill(1)};
  const warped = await pixels.warp(image, masks, {...plain, width, height, matrix: unmoved});
  t.deepEqual(warped.maskRects, maskRects);
  t.deepEqual(
    warped.sources,
    Int32Array.from({length: count}, (_, i) => i),
  );
});

test('the arrays given may change as soon as the call has returned', async (t) => {
  const image = {width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6)};
  const masks = {maskRects: Int32Array.of(0, 0, 2, 1), maskData: Uint8Array.of(0, 1)};
  const warped = pixels.warp(image, masks, {...plain, width: 2, height: 1, matrix: unmoved});
  const colours = pixels.adjustColors(image.data, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]);
  image.data.fill(0);
  masks.maskData.fill(0);
  t.deepEqual([...(await warped).data], [1, 2, 3, 4, 5, 6]);
  t.deepEqual([...(await warped).maskRects], [1, 0, 1, 1]);
  t.deepEqual([...(await colours)], [1, 2, 3, 4, 5, 6]);
});

test('lengths and values that do not fit are refused', (t) => {
  const image = {width: 2, height: 2, data: new Uint8Array(12)};
  const options: NativeWarpOptions = {...plain, width: 2, height: 2, matrix: unmoved};
  const warp = (given: object, masks: object = {}, of: object = {}) =>
    pixels.warp({...image, ...of}, {...noMasks, ...masks}, {...options, ...given} as NativeWarpOptions);
  const points = new Float32Array(5 * 5 * 2);
  const range = (call: () => unknown, message: RegExp) => t.throws(call, {instanceOf: RangeError, message});
  range(() => warp({}, {}, {data: new Uint8Array(11)}), /^The length of image\.data must be 12, got 11\.$/);
  range(
    () => warp({}, {maskRects: Int32Array.of(1, 0, 2, 1)}),
    /^Rectangle 0 of maskRects must lie inside the image\.$/,
  );
  range(() => warp({}, {maskRects: Int32Array.of(0, 0, 2, 1)}), /^The length of maskData must be 2, got 0\.$/);
  range(() => warp({width: 0}), /^width must be a whole number in 1\.\./);
  range(() => warp({shrink: 0}), /^shrink must be a whole number in 1\.\./);
  range(() => warp({matrix: [1, 0, Number.NaN, 0, 1, 0]}), /^matrix\[2\] must be finite, got NaN\.$/);
  range(() => warp({matrix: [1, 0, 1e9, 0, 1, 0]}), /^A coordinate that the map leads to must be at most/);
  range(() => warp({fill: [0, 0, 256]}), /^fill\[2\] must be a whole number in 0\.\.255, got 256\.$/);
  range(
    () => warp({grid: {columns: 5, rows: 5, spacing: 0.5, points}}),
    /^grid\.spacing must be at least 1, got 0\.5\.$/,
  );
  range(() => warp({grid: {columns: 4, rows: 5, spacing: 1, points}}), /^grid\.columns must be at least 5, got 4\.$/);
  range(
    () => warp({grid: {columns: 5, rows: 5, spacing: 1, points: points.subarray(1)}}),
    /^The length of grid\.points must be 50, got 49\.$/,
  );
  range(() => pixels.adjustColors(new Uint8Array(4), new Array(12).fill(0)), /pixels must be .*, got 4/);
  t.throws(() => warp({matrix: [1, 0, 0]}), {instanceOf: TypeError, message: 'matrix[3] must be a number.'});
  t.throws(() => warp({fill: 3}), {instanceOf: TypeError});
});
