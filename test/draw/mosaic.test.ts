import test from 'ava';
import sharp from 'sharp';
import type {Instance, Sample} from '../../lib/datasets/dataset.js';
import {colorOf} from '../../lib/draw/colors.js';
import {drawComparison, drawMosaic} from '../../lib/draw/mosaic.js';

const GREY = 100;

/** A grey image with one object in its upper left quarter. */
function sample(width: number, height: number, file = 'a.png'): Sample {
  const mask = {
    left: 0,
    top: 0,
    width: width / 2,
    height: height / 2,
    data: new Uint8Array((width * height) / 4).fill(1),
  };
  const instance: Instance = {label: 1, box: [0, 0, width / 2, height / 2], mask};
  return {file, image: {data: new Uint8Array(width * height * 3).fill(GREY), width, height}, instances: [instance]};
}

async function pixels(png: Buffer) {
  const {data, info} = await sharp(png).raw().toBuffer({resolveWithObject: true});
  const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  return {...info, at};
}

const [GAP, HEADER] = [8, 11 + 2 * 8];
const grey = [GREY, GREY, GREY];
const painted = colorOf(0).map((c) => Math.round(GREY * 0.65 + c * 0.35));

test('samples of different sizes are in a grid, each as large as there is room, with its truth', async (t) => {
  // They are drawn as 400 × 200, 200 × 400 and, enlarged by an integer factor, 390 × 390.
  const picture = await pixels(await drawMosaic([sample(1000, 500), sample(300, 600), sample(30, 30)], ['cell']));
  t.deepEqual([picture.width, picture.height], [GAP + 408 + 208, HEADER + 400 + HEADER + 390 + GAP]);
  const [secondColumn, secondRow] = [GAP + 408, 2 * HEADER + 400];
  for (const [left, top, width, height] of [
    [GAP, HEADER, 400, 200],
    [secondColumn, HEADER, 200, 400],
    [GAP, secondRow, 390, 390],
  ] as const) {
    const middle = top + Math.floor(height / 4);
    t.deepEqual(picture.at(left + Math.floor(width / 4), middle), painted);
    t.deepEqual(picture.at(left + Math.floor((width * 3) / 4), middle), grey);
    t.deepEqual(picture.at(left + width - 1, top + height - 1), grey);
    if (left + width < picture.width) t.deepEqual(picture.at(left + width, top + height - 1), [255, 255, 255]);
    // The object ends exactly at the middle.
    t.deepEqual(picture.at(left + width / 2 - 1, middle), [...colorOf(0)]);
    t.deepEqual(picture.at(left + width / 2, middle), grey);
  }
});

test('at most 16 samples are shown, and names only where there are several classes', async (t) => {
  const small = sample(40, 40);
  const many = await pixels(
    await drawMosaic(
      Array.from({length: 40}, () => small),
      ['cell'],
    ),
  );
  t.is(many.width, GAP + 4 * 408);
  t.is(many.height, 4 * (HEADER + 400) + GAP);
  const one = await drawMosaic([small], ['cell']);
  t.deepEqual(await drawMosaic([small], []), one);
  t.notDeepEqual(await drawMosaic([small], ['cell', 'other']), one);
});

test('a caption that is too long stays inside its column', async (t) => {
  const picture = await pixels(
    await drawMosaic([sample(40, 40, `${'folder/'.repeat(40)}picture.png`), sample(40, 40)], []),
  );
  for (let y = 0; y < HEADER; y++) {
    for (let x = GAP + 400 + 2; x < GAP + 408 - 2; x++) t.deepEqual(picture.at(x, y), [255, 255, 255], `${x}, ${y}`);
  }
});

test('truth is beside the prediction, whose objects under the threshold are left out', async (t) => {
  const right = new Uint8Array(40 * 40).map((_, i) => Number(i % 40 >= 20 && i < 20 * 40));
  const detections = {boxes: [20, 0, 40, 20, 0, 0, 20, 20], scores: [0.9, 0.3], masks: [right, right]};
  const pictures = [{sample: sample(40, 40), detections}];
  const options = {classes: ['cell'], scoreThreshold: 0.5};
  const picture = await pixels(await drawComparison(pictures, options));
  t.deepEqual([picture.width, picture.height], [GAP + 2 * 408, HEADER + 400 + GAP]);
  const truth = (x: number, y: number) => picture.at(GAP + x, HEADER + y);
  const found = (x: number, y: number) => picture.at(GAP + 408 + x, HEADER + y);
  t.deepEqual([truth(100, 100), truth(300, 100)], [painted, grey]);
  t.deepEqual([found(100, 100), found(300, 100)], [grey, painted]);
  const all = await pixels(await drawComparison(pictures, {...options, scoreThreshold: 0.3}));
  t.notDeepEqual(all.at(GAP + 408 + 300, HEADER + 100), painted, 'the second is on it');
});

test('at most 8 rows are compared; nothing found is drawn', async (t) => {
  const pictures = Array.from({length: 20}, () => ({sample: sample(40, 40), detections: {boxes: []}}));
  const {height} = await pixels(await drawComparison(pictures, {classes: [], scoreThreshold: 0.5}));
  t.is(height, 8 * (HEADER + 400) + GAP);
});

test('comparisons stand in columns, as many rows as wished', async (t) => {
  const left = new Uint8Array(40 * 40).map((_, i) => Number(i % 40 < 20 && i < 20 * 40));
  const found = {sample: sample(40, 40), detections: {boxes: [0, 0, 20, 20], masks: [left]}};
  const missed = {sample: sample(40, 40), detections: {boxes: []}};
  const options = {classes: ['cell'], scoreThreshold: 0, columns: 2};
  const picture = await pixels(await drawComparison([found, missed, found], options));
  t.deepEqual([picture.width, picture.height], [GAP + 4 * 408, 2 * (HEADER + 400) + GAP]);
  const at = (row: number, column: number) => picture.at(GAP + column * 408 + 100, HEADER + row * (HEADER + 400) + 100);
  t.deepEqual(
    [0, 1, 2, 3].map((column) => at(0, column)),
    [painted, painted, painted, grey],
  );
  t.deepEqual(
    [0, 1, 2].map((column) => at(1, column)),
    [painted, painted, [255, 255, 255]],
  );
  const cut = await pixels(await drawComparison([found, missed, found], {...options, rows: 1}));
  t.is(cut.height, HEADER + 400 + GAP);
});

test('the score of a comparison is written above its truth, and nowhere else', async (t) => {
  const one = {sample: sample(40, 40), detections: {boxes: []}};
  const options = {classes: ['cell'], scoreThreshold: 0.5};
  const without = await pixels(await drawComparison([one], options));
  const scored = await pixels(await drawComparison([{...one, score: 0.4123}], options));
  t.deepEqual([scored.width, scored.height], [without.width, without.height]);
  const ink = (picture: typeof scored, from: number) => {
    let dark = 0;
    for (let y = 0; y < HEADER; y++) for (let x = from; x < from + 400; x++) dark += Number(picture.at(x, y)[0]! < 128);
    return dark;
  };
  t.true(ink(scored, GAP) > ink(without, GAP));
  t.is(ink(scored, GAP + 408), ink(without, GAP + 408));
  for (let y = HEADER; y < scored.height; y += 7) {
    for (let x = 0; x < scored.width; x += 7) t.deepEqual(scored.at(x, y), without.at(x, y), `${x}, ${y}`);
  }
  t.deepEqual(
    await drawComparison([{...one, score: 0.4121}], options),
    await drawComparison([{...one, score: 0.4123}], options),
    'three digits',
  );
});
