import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../lib/addon/binding.js';
import {foregroundOf, type LabelMap, predictedLabels} from '../../lib/evaluation/label-map.js';
import {compareObjects, objectScores} from '../../lib/evaluation/object-scores.js';
import {countPixels, pixelScores} from '../../lib/evaluation/pixel-scores.js';
import {scoresByRank} from '../../lib/evaluation/scores-by-rank.js';
import type {Rle} from '../../lib/index.js';
import {drawn} from './maps.js';

const {rle} = await loadBinding();
const [width, height] = [6, 5];

/** The mask of the '#' in a drawing. */
function maskOf(rows: readonly string[]): Rle {
  const data = Uint8Array.from(rows.join(''), (character) => Number(character === '#'));
  const size = {width: rows[0]!.length, height: rows.length};
  return {
    size: [size.height, size.width],
    counts: rle.encodeCrop({left: 0, top: 0, ...size, data}, size.width, size.height),
  };
}

test('by hand: a hit, one that the hit covers, one on the background, one without a pixel', (t) => {
  const truth = drawn('1111....');
  const masks = ['###.....', '.##.....', '.....##.', '........'].map((row) => maskOf([row]));
  const scores = scoresByRank(masks, truth);
  t.deepEqual(scores, [
    {truth: 1, predicted: 0, truePositives: 0, dropped: 0, f1: 0, precision: null, recall: 0, iou: 0},
    {truth: 1, predicted: 1, truePositives: 1, dropped: 0, f1: 1, precision: 1, recall: 1, iou: 3 / 4},
    {truth: 1, predicted: 1, truePositives: 1, dropped: 1, f1: 1, precision: 1, recall: 1, iou: 3 / 4},
    {truth: 1, predicted: 2, truePositives: 1, dropped: 1, f1: 2 / 3, precision: 1 / 2, recall: 1, iou: 3 / 6},
    {truth: 1, predicted: 2, truePositives: 1, dropped: 2, f1: 2 / 3, precision: 1 / 2, recall: 1, iou: 3 / 6},
  ]);
});

test('nothing predicted, nothing true', (t) => {
  const nothing = {
    truth: 0,
    predicted: 0,
    truePositives: 0,
    dropped: 0,
    f1: null,
    precision: null,
    recall: null,
    iou: null,
  };
  t.deepEqual(scoresByRank([], drawn('....')), [nothing]);
});

const pixels = (count: number) =>
  fc.array(fc.nat({max: count}), {minLength: width * height, maxLength: width * height});

test('at every rank they are the scores of the evaluation', (t) => {
  const masks = fc.array(
    pixels(1).map((bits) => maskOf([bits.map((bit) => (bit ? '#' : '.')).join('')])),
    {maxLength: 6},
  );
  fc.assert(
    fc.property(masks, pixels(3), (given, labels) => {
      const truth: LabelMap = {width, height, labels: Int32Array.from(labels)};
      const found = given.map(({counts}) => ({size: [height, width] as [number, number], counts}));
      const ranked = scoresByRank(found, truth);
      t.is(ranked.length, found.length + 1);
      for (const [count, scores] of ranked.entries()) {
        const best = found.slice(0, count);
        const object = compareObjects(predictedLabels(best, width, height), truth, count);
        const {f1, precision, recall} = objectScores(object);
        const {truth: objects, predicted, truePositives, dropped} = object;
        const {iou} = pixelScores(countPixels(foregroundOf(best, width, height), truth.labels));
        t.deepEqual(scores, {f1, precision, recall, truth: objects, predicted, truePositives, dropped, iou});
      }
    }),
  );
});
