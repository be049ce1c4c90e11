import test from 'ava';
import {type Detections, detectionsToJson, detectionsToLabels, encodeRle, type Rle} from '../../lib/index.js';
import {paintLabels} from '../../lib/masks/paint-labels.js';
import {detectionsToLabelsInTurns} from '../../lib/model/detections-labels.js';
import {labelsOfMany, MANY, manyObjects} from '../many-objects.js';

const [width, height] = [8, 1];

/** The mask of one row of pixels, written as '.##.'. */
const row = (pixels: string): Promise<Rle> =>
  encodeRle(
    Uint8Array.from(pixels, (p) => Number(p === '#')),
    width,
    height,
  );
const rows = (...masks: string[]) => Promise.all(masks.map(row));

function found(masks: Rle[]): Detections {
  const count = masks.length;
  return {
    width,
    height,
    boxes: new Float32Array(4 * count),
    labels: new Int32Array(count).fill(1),
    classNames: masks.map(() => 'cell'),
    scores: Float32Array.from(masks, (_, i) => 0.9 - 0.1 * i),
    masks,
  };
}

test('the better one is on top, and what it mostly covers is left out together with its pixels', async (t) => {
  // Of the second, two of four pixels stay visible, of the third one of three; the fourth gets what the third leaves.
  const masks = await rows('####....', '..####..', '....###.', '......##');
  t.deepEqual([...paintLabels(masks, width, height, 'better').labels], [1, 1, 1, 1, 2, 2, 4, 4]);
});

test('the smaller one is on top, of equal ones the better, and none is left out that can be seen', async (t) => {
  const masks = await rows('#######.', '..##....', '...##...', '.....#..');
  t.deepEqual([...paintLabels(masks, width, height, 'smaller').labels], [1, 1, 2, 2, 3, 4, 1, 0]);
});

test('objects have one number in the label mask and in JSON, and those without a pixel are told', async (t) => {
  const detections = found(await rows('#####...', '.###....', '........', '.....##.'));
  const better = detectionsToLabels(detections);
  t.deepEqual([...better.labels], [1, 1, 1, 1, 1, 4, 4, 0]);
  t.deepEqual(better.missing, [2, 3], 'one is covered, the other is empty');
  const smaller = detectionsToLabels(detections, {onTop: 'smaller'});
  t.deepEqual([...smaller.labels], [1, 2, 2, 2, 1, 4, 4, 0]);
  t.deepEqual(smaller.missing, [3]);
  const ids = detectionsToJson(detections).objects.map(({id}) => id);
  const numbers = new Set([...better.labels, ...better.missing]);
  t.deepEqual([...numbers].filter(Boolean).sort(), ids);
  for (const onTop of ['better', 'smaller'] as const) {
    t.deepEqual(await detectionsToLabelsInTurns(detections, {onTop}), detectionsToLabels(detections, {onTop}));
  }
  t.deepEqual(detectionsToLabels(found([])), {width, height, labels: new Int32Array(8), missing: []});
});

test('a label mask needs run lengths and a rule that exists', async (t) => {
  const detections = found(await rows('####....'));
  const without = {...detections, masks: []};
  const bitmaps = {...detections, masks: [new Uint8Array(8)]} as unknown as Detections;
  for (const wrong of [without, bitmaps]) {
    t.throws(() => detectionsToLabels(wrong), {
      code: 'INVALID_MASK',
      message: /each of the 1 detections\.\nPredict with/,
    });
  }
  t.throws(() => detectionsToLabels(detections, {onTop: 'smallest' as 'smaller'}), {
    code: 'INVALID_OPTION',
    message: /Did you mean 'smaller'\?/,
  });
});

test('more than 65,535 objects have their numbers in 32 bits, and none in 16', async (t) => {
  const many = {...(await manyObjects(MANY)), file: 'plate.png'};
  const expected = labelsOfMany(many);
  t.deepEqual(detectionsToLabels(many).labels, expected);
  t.deepEqual((await detectionsToLabelsInTurns(many)).labels, expected);
  await t.throwsAsync(detectionsToLabelsInTurns(many, {}, new Uint16Array(expected.length)), {
    code: 'INVALID_MASK',
    message: 'A label mask of 16 bits holds 65535 objects, got 65536 on plate.png.',
  });
});
