import test from 'ava';
import fc from 'fast-check';
import {encodeRle, type MaskPolygon, maskPolygons, rleFromPolygons, rleFromRuns, rleIou} from '../../lib/index.js';
import {type Bitmap, bitmapOf, drawn, padded, partsOf, randomMask} from './random-masks.js';

const encode = ({width, height, pixels}: Bitmap) => encodeRle(pixels, width, height);
const polygonsOf = async (bitmap: Bitmap, simplify = 0) => maskPolygons(await encode(bitmap), {simplify});

/** The area inside of a ring. With y downwards, it is positive if the ring is clockwise on the screen. */
function signedArea(ring: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < ring.length; i += 2) {
    const next = (i + 2) % ring.length;
    sum += ring[i]! * ring[next + 1]! - ring[next]! * ring[i + 1]!;
  }
  return sum / 2;
}

/** Whether the centre of a pixel is in an odd number of the rings: a ray to the left crosses their vertical edges. */
function contains({outer, holes}: MaskPolygon, column: number, row: number): boolean {
  let crossings = 0;
  for (const ring of [outer, ...holes]) {
    for (let i = 0; i < ring.length; i += 2) {
      const next = (i + 2) % ring.length;
      const [top, bottom] = [ring[i + 1]!, ring[next + 1]!].sort((a, b) => a - b) as [number, number];
      if (ring[i] === ring[next] && ring[i]! <= column && top <= row && row < bottom) crossings++;
    }
  }
  return crossings % 2 === 1;
}

test('a pixel, a hole, and parts in the order of their first pixels by columns', async (t) => {
  t.deepEqual(await polygonsOf(drawn('...', '..#')), [{outer: [2, 1, 3, 1, 3, 2, 2, 2], holes: []}]);
  t.deepEqual(await polygonsOf(drawn('.###.', '.#.#.', '.###.')), [
    {outer: [1, 0, 4, 0, 4, 3, 1, 3], holes: [[2, 1, 2, 2, 3, 2, 3, 1]]},
  ]);
  const [first, second] = await polygonsOf(drawn('..#', '...', '#..'));
  t.deepEqual(
    [first!.outer.slice(0, 2), second!.outer.slice(0, 2)],
    [
      [0, 2],
      [2, 0],
    ],
  );
  t.deepEqual(await polygonsOf(drawn('...', '...')), []);
});

test('pixels that touch at a corner are parts of their own, unless others connect them', async (t) => {
  t.deepEqual(await polygonsOf(drawn('#.', '.#')), [
    {outer: [0, 0, 1, 0, 1, 1, 0, 1], holes: []},
    {outer: [1, 1, 2, 1, 2, 2, 1, 2], holes: []},
  ]);
  // The background goes through between two pixels of one part: it is cut there, so that no ring touches itself.
  t.deepEqual(await polygonsOf(drawn('###', '#.#', '##.')), [
    {outer: [0, 0, 3, 0, 3, 2, 2, 2, 2, 3, 0, 3], holes: [[1, 1, 1, 2, 2, 2, 2, 1]]},
  ]);
});

test('the polygons of any mask give the very same mask, and each is one part with its holes', async (t) => {
  await fc.assert(
    fc.asyncProperty(randomMask, async (bitmap) => {
      const {width, height} = bitmap;
      const mask = await encode(bitmap);
      const polygons = await maskPolygons(mask);
      t.deepEqual(await rleFromPolygons(polygons, width, height), mask);

      const parts = partsOf(bitmap, 1, false);
      const firstByColumn = (part: readonly number[]) =>
        Math.min(...part.map((at) => (at % width) * height + Math.floor(at / width)));
      parts.sort((a, b) => firstByColumn(a) - firstByColumn(b));
      t.is(polygons.length, parts.length);
      for (const [index, polygon] of polygons.entries()) {
        const part = new Set(parts[index]);
        const alone = bitmapOf(width, height, (x, y) => part.has(y * width + x));
        t.deepEqual(
          bitmapOf(width, height, (x, y) => contains(polygon, x, y)),
          alone,
        );
        t.is(polygon.holes.length, partsOf(padded(alone), 0, false).length - 1);
        const holeAreas = polygon.holes.map(signedArea);
        t.true(holeAreas.every((area) => area < 0));
        t.is(
          holeAreas.reduce((sum, area) => sum + area, signedArea(polygon.outer)),
          part.size,
        );
      }
    }),
    {numRuns: 400},
  );
});

test('all points are corners, and no ring touches itself', async (t) => {
  await fc.assert(
    fc.asyncProperty(randomMask, async (bitmap) => {
      for (const {outer, holes} of await polygonsOf(bitmap)) {
        for (const ring of [outer, ...holes]) {
          const points = Array.from(
            {length: ring.length / 2},
            (_, i) => ring.slice(2 * i, 2 * i + 2) as [number, number],
          );
          t.is(new Set(points.map(String)).size, points.length);
          for (const [i, [x, y]] of points.entries()) {
            const [px, py] = points.at(i - 1)!;
            const [nx, ny] = points[(i + 1) % points.length]!;
            t.true((px === x) !== (py === y) && (nx === x) === (py === y) && (ny === y) === (px === x));
          }
        }
      }
    }),
    {numRuns: 200},
  );
});

test('simplified rings are within the tolerance, and rleIou() tells what it costs', async (t) => {
  const disc = bitmapOf(100, 100, (x, y) => (x - 49.5) ** 2 + (y - 49.5) ** 2 < 40 ** 2);
  const mask = await encode(disc);
  const [exact] = await maskPolygons(mask);
  const [simple] = await maskPolygons(mask, {simplify: 1});
  t.true(simple!.outer.length < exact!.outer.length / 4);
  // The furthest corner from the simplified ring, by the distance to each of its sides.
  let furthest = 0;
  for (let i = 0; i < exact!.outer.length; i += 2) {
    let nearest = Infinity;
    for (let j = 0; j < simple!.outer.length; j += 2) {
      const [ax, ay] = simple!.outer.slice(j, j + 2) as [number, number];
      const next = (j + 2) % simple!.outer.length;
      const [bx, by] = [simple!.outer[next]! - ax, simple!.outer[next + 1]! - ay];
      const [px, py] = [exact!.outer[i]! - ax, exact!.outer[i + 1]! - ay];
      const along = Math.min(1, Math.max(0, (px * bx + py * by) / (bx * bx + by * by)));
      nearest = Math.min(nearest, Math.hypot(px - along * bx, py - along * by));
    }
    furthest = Math.max(furthest, nearest);
  }
  t.true(furthest > 0.5 && furthest <= 1 + 1e-12, String(furthest));
  const [[iou]] = (await rleIou([await rleFromPolygons([simple!], 100, 100)], [mask])) as [[number]];
  t.true(iou > 0.97 && iou < 1, String(iou));
});

test('a ring that would vanish keeps its corners; others have three points or more and an area', async (t) => {
  const line = drawn('......', '.####.', '......');
  t.deepEqual(await polygonsOf(line, 5), await polygonsOf(line));
  await fc.assert(
    fc.asyncProperty(randomMask, fc.double({min: 0, max: 20, noNaN: true}), async (bitmap, simplify) => {
      const exact = await polygonsOf(bitmap);
      const simple = await polygonsOf(bitmap, simplify);
      t.deepEqual(
        simple.map(({holes}) => holes.length),
        exact.map(({holes}) => holes.length),
      );
      for (const {outer, holes} of simple) {
        t.true(outer.length >= 6 && signedArea(outer) > 0);
        t.true(holes.every((hole) => hole.length >= 6 && signedArea(hole) < 0));
      }
    }),
  );
});

test('while a large mask of noise is followed, the event loop runs on', async (t) => {
  const noise = bitmapOf(2000, 2000, (x, y) => (Math.sin(x * 12.9898 + y * 78.233) * 43758.5453) % 1 > 0);
  const mask = await encode(noise);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const start = performance.now();
  const polygons = await maskPolygons(mask);
  clearInterval(timer);
  t.log(`${polygons.length} polygons in ${Math.round(performance.now() - start)} ms, ${ticks} turns of the event loop`);
  t.true(ticks >= 10, String(ticks));
  t.deepEqual(await rleFromPolygons(polygons, 2000, 2000), mask);
});

test('malformed masks and options are refused', async (t) => {
  await t.throwsAsync(maskPolygons({size: [3, 4], counts: '4'}), {code: 'INVALID_MASK', message: /add up to 12/});
  await t.throwsAsync(maskPolygons({size: [0, 4], counts: '0'}), {code: 'INVALID_MASK', message: /height/});
  await t.throwsAsync(maskPolygons({size: [1, 1], counts: 5 as unknown as string}), {code: 'INVALID_MASK'});
  const mask = await rleFromRuns([12], 4, 3);
  for (const simplify of [-1, Number.NaN, Infinity, '1' as unknown as number]) {
    await t.throwsAsync(maskPolygons(mask, {simplify}), {code: 'INVALID_OPTION', message: /simplify/});
  }
  t.deepEqual(await rleFromPolygons([], 4, 3), mask);
});
