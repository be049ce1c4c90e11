import test from 'ava';
import {
  decodeRle,
  encodeRle,
  mergeRles,
  type Rle,
  rleAreas,
  rleBoxes,
  rleFromPolygons,
  rleFromRuns,
  rleIou,
  rleToRuns,
} from '../../lib/index.js';

// Columns 1 and 2 of 4 × 3 pixels, and column 2.
const wide = Uint8Array.of(0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0);
const narrow: Rle = {size: [3, 4], counts: '633'};

test('there and back', async (t) => {
  const mask = await encodeRle(wide, 4, 3);
  t.deepEqual(mask, {size: [3, 4], counts: '363'});
  t.deepEqual(decodeRle(mask), wide);
  t.deepEqual(await rleToRuns(mask), [3, 6, 3]);
  t.deepEqual(await rleFromRuns([3, 6, 3], 4, 3), mask);
  t.deepEqual(await rleFromPolygons([[1, 0, 3, 0, 3, 3, 1, 3]], 4, 3), mask);
});

test('areas, boxes, unions and overlaps', async (t) => {
  const mask = await encodeRle(wide, 4, 3);
  t.deepEqual(await rleAreas([mask, narrow]), [6, 3]);
  t.deepEqual(await rleBoxes([mask, narrow]), [
    [1, 0, 2, 3],
    [2, 0, 1, 3],
  ]);
  t.deepEqual(await mergeRles([mask, narrow]), mask);
  t.deepEqual(await mergeRles([mask, narrow], {intersect: true}), narrow);
  t.deepEqual(await rleIou([mask, narrow], [mask], [false]), [[1], [0.5]]);
  t.deepEqual(await rleIou([narrow], [mask, narrow], [true, false]), [[1, 1]]);
  t.deepEqual(await rleIou([narrow], []), [[]]);
});

test('what is malformed or of another size is refused', async (t) => {
  const refused = async (work: Promise<unknown>, message: RegExp) => {
    await t.throwsAsync(work, {code: 'INVALID_MASK', message});
  };
  await refused(encodeRle(new Uint8Array(3), 4, 3), /length of bitmap must be 12, got 3/);
  await refused(rleAreas([{size: [3, 4], counts: '4'}]), /add up to 12 pixels, got 4/);
  await refused(rleFromRuns([1.5], 4, 3), /whole numbers of pixels, got 1.5/);
  await refused(rleFromPolygons([[0, 0, 1, 1]], 4, 3), /three points or more, got 2/);
  await refused(mergeRles([]), /At least one mask is needed/);
  await refused(rleIou([narrow], [{size: [4, 3], counts: '633'}]), /one size, got 4 × 3 and 3 × 4 pixels/);
  await refused(rleIou([narrow], [narrow], []), /length of crowd must be 1, got 0/);
});
