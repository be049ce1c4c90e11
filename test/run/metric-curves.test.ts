import test from 'ava';
import sharp from 'sharp';
import {textWidth} from '../../lib/draw/font.js';
import type {EpochRecord} from '../../lib/run/history.js';
import {metricCurvePng, metricCurveSvg} from '../../lib/run/metric-curves.js';
import {epoch, pixelScores} from './records.js';

const lines = (svg: string) => svg.match(/<polyline [^>]*stroke-width="2"/g)?.length ?? 0;
const dots = (svg: string) => svg.match(/<circle/g)?.length ?? 0;
/** Each diagram has one frame of axes. */
const diagrams = (svg: string) => svg.match(/<polyline [^>]*stroke="#333"/g)?.length ?? 0;
const run = (...metrics: (object | null)[]): {epochs: EpochRecord[]} => ({
  epochs: metrics.map((one, index) => epoch(index, one)),
});

test('a diagram for each group of shares, and one for each other metric; counts have none', (t) => {
  const at = (x: number) => ({
    pixel: pixelScores(x),
    objects: {f1: x, dice: x, hausdorff: 90.5 - x, count: 7, low: -x},
  });
  const svg = metricCurveSvg(run(at(0.5), null, at(0.75)));
  t.is(diagrams(svg), 4, 'pixel mean, pixel pooled, objects, objects hausdorff');
  t.is(lines(svg), 4 + 4 + 2 + 1);
  t.is(dots(svg), 2 * lines(svg));
  t.notRegex(svg, /NaN|Infinity|undefined|<text/);
});

test('numbers of objects have no diagram, even if they are 0 or 1', (t) => {
  const counts = {truth: 1, predicted: 1, truePositives: 0, dropped: 0};
  const svg = metricCurveSvg(run({objects: counts, counts: {...counts, meanError: -1, meanAbsoluteError: 2.5}}));
  t.is(diagrams(svg), 1, 'counts meanAbsoluteError');
});

test('a value stands at its epoch and its height', (t) => {
  const svg = metricCurveSvg(run({f1: 0}, {f1: 0.5}, {f1: 1}));
  const [, points] = /<polyline points="([^"]+)" fill="none" stroke="[^"]+" stroke-width="2"/.exec(svg)!;
  const [[x0, y0], [x1, y1], [x2, y2]] = points!
    .split(' ')
    .map((point) => point.split(',').map(Number)) as number[][] as [
    [number, number],
    [number, number],
    [number, number],
  ];
  const [left, width, top, height] = [70, 620, 40, 180];
  t.deepEqual([y0, y1, y2], [top + height, top + height / 2, top]);
  for (const [index, x] of [x0, x1, x2].entries()) t.true(Math.abs(x - left - (width * (index + 1)) / 3) < 0.01);
});

test('a value that is not finite parts its line', (t) => {
  const svg = metricCurveSvg(run({f1: 0.1}, {f1: 0.2}, {f1: Number.NaN}, {f1: 0.4}, {f1: 0.5}));
  t.is(lines(svg), 2);
  t.is(dots(svg), 4);
  t.notRegex(svg, /NaN/);
});

test('no epoch, one epoch and many are drawn', async (t) => {
  for (const [history, count] of [
    [run(), 0],
    [run(null), 0],
    [run({f1: 0.5}), 1],
    [run({f1: Number.NaN}), 0],
    [run(...Array.from({length: 500}, () => ({f1: 0.5}))), 0],
  ] as const) {
    const svg = metricCurveSvg(history);
    t.is(diagrams(svg), 1);
    t.is(dots(svg), count, 'many have no dots');
    t.notRegex(svg, /NaN|Infinity|undefined/);
    const {format, width} = await sharp(await metricCurvePng(history)).metadata();
    t.deepEqual([format, width], ['png', 960]);
  }
});

test('many metrics differ in colour or dashes, and those beyond are counted', (t) => {
  const metrics = {perClass: Object.fromEntries(Array.from({length: 30}, (_, i) => [`class ${i}`, i / 100]))};
  const svg = metricCurveSvg(run(metrics, metrics));
  const styles = svg.match(/stroke="[^"]+" stroke-width="2" stroke-linejoin="round"( stroke-dasharray="[^"]+")?/g)!;
  t.is(styles.length, 18);
  t.is(new Set(styles).size, 18);
});

test('a long name leaves room for its value', (t) => {
  const name = 'average precision at intersection over union from 0.5 to 0.95';
  const svg = metricCurveSvg(run({objects: {[name]: 0.5}}));
  t.true(textWidth(name, 9) > 200);
  // The text of the legend starts at 732, and its value ends at 948.
  const path = /<path d="([^"]+)" transform="translate\(732 [^)]*\) scale\(1.125\)/.exec(svg)![1]!;
  const widest = Math.max(...Array.from(path.matchAll(/[ML]([\d.-]+) /g), ([, x]) => Number(x)));
  t.true(732 + widest * 1.125 < 948 - textWidth('0.500', 9), `${732 + widest * 1.125}`);
});
