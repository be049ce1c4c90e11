import test from 'ava';
import sharp from 'sharp';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {lineStyle} from '../../lib/draw/colors.js';
import {textPath, textWidth} from '../../lib/draw/font.js';
import {type PrecisionRecallCurve, precisionRecallPng, precisionRecallSvg} from '../../lib/draw/precision-recall.js';

const [LEFT, TOP, WIDTH, HEIGHT] = [70, 40, 620, 440];
const PALE = '#c4c4c4';

/** Precision falls linearly from 1 to `end`. */
function curve(name: string, ap: number | null, end = 0.5): PrecisionRecallCurve {
  return {name, ap, precision: Array.from({length: 101}, (_, i) => 1 + ((end - 1) * i) / 100)};
}

/** The points of the lines with this stroke. */
function lines(svg: string, color: string, width = 2): [number, number][][] {
  const pattern = /<polyline points="([^"]+)" fill="none" stroke="([^"]+)" stroke-width="([^"]+)"/g;
  return Array.from(svg.matchAll(pattern))
    .filter(([, , stroke, thick]) => stroke === color && Number(thick) === width)
    .map(([, points]) => points!.split(' ').map((point) => point.split(',').map(Number) as [number, number]));
}

/** The text of row `index` of the legend, which extends from 732 to 948. */
const name = (text: string, index: number) => textPath(text, 732, TOP + 10 + index * 20, {size: 9, color: '#333'});
const note = (text: string, index: number) =>
  textPath(text, 948, TOP + 10 + index * 20, {size: 9, color: '#333', anchor: 'end'});

test('each of the 101 values stands at its recall and its height', (t) => {
  const svg = precisionRecallSvg([curve('cat', 0.5, 0.25)]);
  const [points, ...others] = lines(svg, lineStyle(0).color);
  t.deepEqual(others, []);
  t.is(points!.length, 101);
  for (const [i, [x, y]] of points!.entries()) {
    t.true(Math.abs(x - (LEFT + (WIDTH * i) / 100)) < 0.01, `${i}: ${x}`);
    t.true(Math.abs(y - (TOP + HEIGHT * (1 - (1 - (0.75 * i) / 100)))) < 0.01, `${i}: ${y}`);
  }
  t.true(
    svg.includes(textPath('recall', LEFT + WIDTH / 2, TOP + HEIGHT + 36, {size: 10, color: '#333', anchor: 'middle'})),
  );
  t.true(
    svg.includes(textPath('precision', 26, TOP + HEIGHT / 2, {size: 10, color: '#333', anchor: 'middle', turn: -90})),
  );
  for (const tick of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    const style = {size: 9, color: '#333', anchor: 'middle'} as const;
    t.true(svg.includes(textPath(String(tick), LEFT + WIDTH * tick, TOP + HEIGHT + 19, style)), `recall ${tick}`);
  }
  t.notRegex(svg, /NaN|Infinity|undefined|<text/);
});

test('the legend names the curves from the highest AP down', (t) => {
  const svg = precisionRecallSvg([curve('low', 0.1234), curve('none', null), curve('high', 0.9), curve('zero', 0)]);
  for (const [i, [text, ap]] of [
    ['high', 'AP 0.900'],
    ['low', 'AP 0.123'],
    ['zero', 'AP 0.000'],
    ['none', 'no objects'],
  ].entries()) {
    t.true(svg.includes(name(text!, i)), text);
    t.true(svg.includes(note(ap!, i)), ap);
  }
  for (const i of [0, 1, 2]) t.is(lines(svg, lineStyle(i).color).length, 1);
  t.is(lines(svg, lineStyle(3).color).length, 0, 'without objects there is no curve');
  t.is(svg.match(/<line [^>]*stroke-width="3"/g)?.length, 3, 'nor a sample of its colour');
});

test('beyond ten, curves are grey and counted; those without objects are not drawn', (t) => {
  const twelve = Array.from({length: 12}, (_, i) => curve(`class ${i}`, i / 20, i / 20));
  const svg = precisionRecallSvg([...twelve, curve('none', null)]);
  const grey = lines(svg, PALE, 1);
  t.deepEqual(
    grey.map((points) => points.at(-1)![1]),
    [TOP + HEIGHT * 0.95, TOP + HEIGHT],
    'the two of the lowest AP',
  );
  t.true(svg.indexOf(`stroke="${PALE}"`) < svg.indexOf(`stroke="${lineStyle(0).color}"`), 'behind the others');
  t.is(
    new Set(svg.match(/stroke="[^"]+" stroke-width="2" stroke-linejoin="round"( stroke-dasharray="[^"]+")?/g)).size,
    10,
  );
  t.true(svg.includes(name('class 11', 0)));
  t.true(svg.includes(name('class 2', 9)));
  t.true(svg.includes(name('and 3 others', 10)));
  t.false(svg.includes(name('class 1', 10)));
  t.true(precisionRecallSvg(twelve.slice(0, 11)).includes(name('and 1 other', 10)));
  const absent = precisionRecallSvg([...twelve.slice(0, 10), curve('none', null)]);
  t.true(absent.includes(name('and 1 other', 10)));
  t.false(absent.includes(PALE));
});

test('a value that is absent leaves a gap', (t) => {
  const {precision} = curve('cat', 0.5);
  const svg = precisionRecallSvg([{name: 'cat', ap: 0.5, precision: precision.with(50, -1).with(80, Number.NaN)}]);
  t.deepEqual(
    lines(svg, lineStyle(0).color).map((points) => points.length),
    [50, 29, 20],
  );
  t.notRegex(svg, /NaN/);
});

test('the PNG shows the curve where it is, and no curves are a picture too', async (t) => {
  for (const curves of [[], [curve('none', null)], [curve('cat', 0.5, 0)]]) {
    const svg = precisionRecallSvg(curves);
    t.notRegex(svg, /NaN|Infinity|undefined/);
    const {data, info} = await sharp(await precisionRecallPng(curves))
      .raw()
      .toBuffer({resolveWithObject: true});
    t.deepEqual([info.width, info.height, info.channels], [960, TOP + HEIGHT + 52 + 12, 3]);
    const at = (TOP + HEIGHT / 2) * 960 + LEFT + WIDTH / 2;
    // Blue where the line of 'cat' crosses the middle; otherwise the grid line at precision 0.5.
    const [red, , blue] = data.subarray(at * 3, at * 3 + 3);
    if (curves[0]?.ap) t.true(blue! - red! > 100, `${red}, ${blue}`);
    else t.is(red, blue);
  }
});

test('a title with any characters, of any length, is legible XML', async (t) => {
  const svg = precisionRecallSvg([], {title: 'IoU < 0.5 & \u0001 more'});
  t.true(svg.includes('<title>IoU &lt; 0.5 &amp;   more</title>'));
  const long = 'title '.repeat(200).trim();
  t.true(textWidth(long, 12) > 960);
  const [, path] = /<path d="([^"]+)" transform="translate\(70 26\) scale\(1.5\)/.exec(
    precisionRecallSvg([curve('a', 1)], {title: long}),
  )!;
  t.true(70 + 1.5 * Math.max(...Array.from(path!.matchAll(/[ML]([\d.-]+) /g), ([, x]) => Number(x))) <= 948);
  t.is((await sharp(await precisionRecallPng([], {title: 'a < b & c\u0000'})).metadata()).format, 'png');
});

test('curves of another length and unknown options are refused', (t) => {
  const short = t.throws(() => precisionRecallSvg([curve('a', 1), {name: 'cat', ap: 1, precision: [1, 0]}]), {
    instanceOf: MaskRcnnError,
    code: 'INVALID_OPTION',
  });
  t.regex(short!.message, /Curve 1 \('cat'\) of precisionRecallSvg must have 101 values of precision, got 2\./);
  t.throws(() => precisionRecallSvg([], {titel: 'x'} as never), {code: 'INVALID_OPTION', message: /'titel'/});
});
