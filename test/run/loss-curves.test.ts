import test from 'ava';
import sharp from 'sharp';
import {textPath, textWidth} from '../../lib/draw/font.js';
import {ticks} from '../../lib/draw/ticks.js';
import type {EpochRecord, StepRecord} from '../../lib/run/history.js';
import {lossCurvePng, lossCurveSvg, smooth} from '../../lib/run/loss-curves.js';

function step(index: number, part: number): StepRecord {
  const losses = {
    loss_classifier: part,
    loss_box_reg: part / 2,
    loss_mask: part,
    loss_objectness: part / 4,
    loss_rpn_box_reg: part / 4,
  };
  return {
    step: index,
    epoch: Math.floor(index / 10),
    lr: 0.1,
    loss: part * 3,
    losses,
    gradientNorm: 1,
    seconds: 1,
    dataSeconds: 0,
  };
}

function epoch(index: number, score: number | null): EpochRecord {
  const scores = {iou: score ?? 0, f1: score ?? 0, precision: 0, recall: 0};
  const pixel = {images: 1, mean: scores, pooled: scores};
  return {
    epoch: index,
    loss: 1,
    seconds: 1,
    validation: score === null ? null : ({pixel} as EpochRecord['validation']),
  };
}

const steps = Array.from({length: 30}, (_, i) => step(i, 1 / (i + 1)));
const lines = (svg: string, width: string) =>
  svg.match(new RegExp(`<polyline [^>]*stroke-width="${width}"`, 'g'))?.length ?? 0;

test('seven curves: the total, raw and smoothed, and the five losses', (t) => {
  const svg = lossCurveSvg({steps, epochs: [epoch(0, null)]});
  t.is(lines(svg, '1'), 1);
  t.is(lines(svg, '2.5'), 1);
  t.is(lines(svg, '1.5'), 5);
  t.is(lines(svg, '2'), 0);
  t.false(svg.includes('<text'), 'text would need fonts');
  t.notRegex(svg, /NaN|Infinity|undefined/);
});

test('evaluated epochs add a diagram with a dot each', (t) => {
  const svg = lossCurveSvg({steps, epochs: [epoch(0, 0.2), epoch(1, null), epoch(2, 0.9)]});
  t.is(lines(svg, '2'), 2);
  t.is(svg.match(/<circle/g)?.length, 4);
});

test('no steps, one step and a loss that is not finite are drawn', async (t) => {
  const bad = {...step(1, 1), loss: Number.NaN};
  for (const some of [[], [step(0, 1)], [step(0, 1), bad], [step(0, 0)]]) {
    const history = {steps: some, epochs: []};
    t.notRegex(lossCurveSvg(history), /NaN|Infinity|undefined/);
    const {format, width, height} = await sharp(await lossCurvePng(history)).metadata();
    t.deepEqual([format, width], ['png', 960]);
    t.true(height > 300);
  }
});

test('steps whose loss is not finite are marked', (t) => {
  const some = [
    ...steps.slice(0, 9),
    {...step(9, 1), loss: Number.NaN},
    {...step(10, 1), loss: Number.POSITIVE_INFINITY},
  ];
  const crosses = (svg: string) => svg.match(/stroke="#c00"/g)?.length ?? 0;
  t.is(crosses(lossCurveSvg({steps: some, epochs: []})), 2 + 1, 'two, and one in the legend');
  t.is(crosses(lossCurveSvg({steps, epochs: []})), 0);
});

test('a long run is drawn with a bounded number of points', (t) => {
  const long = Array.from({length: 200_000}, (_, i) => step(i, 1));
  t.true(lossCurveSvg({steps: long, epochs: []}).length < 200_000);
});

test('smoothing takes the mean around each value', (t) => {
  t.deepEqual(smooth([1, 2, 6, 2], 3), [1.5, 3, 10 / 3, 4]);
  t.deepEqual(smooth([1, 5], 1), [1, 5]);
  t.deepEqual(smooth([], 3), []);
});

test('ticks are round numbers', (t) => {
  t.deepEqual(ticks(2.4, 5), [0, 0.5, 1, 1.5, 2]);
  t.deepEqual(ticks(1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  t.deepEqual(ticks(7, 10, true), [0, 1, 2, 3, 4, 5, 6, 7]);
  t.deepEqual(ticks(0.003, 3), [0, 0.001, 0.002, 0.003]);
});

test('text is strokes: wider with more of it, never anything that SVG would read', (t) => {
  t.is(textWidth('', 8), 0);
  t.is(textWidth('II', 8), 2 + 2 + 2);
  t.is(textWidth('ü', 8), textWidth('u', 8));
  const path = textPath('<a "b" & c> 汉', 0, 0, {size: 8, color: '#000'});
  t.regex(path, /^<path d="[ML\d .-]+" transform="[a-z\d() .-]+" fill="none" stroke="#000" [^<>]+\/>$/);
});
