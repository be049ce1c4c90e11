import {readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {evaluate, type ReportOptions, writeReport} from '../../lib/index.js';
import {meaningOf} from '../../lib/report/score-meanings.js';
import {chromium, framePage, openInChromium} from './chromium.js';
import {busyModel, makeSquaresRun, modelOf, squareModel, squares} from './squares-run.js';

const inBrowser = chromium ? test.serial : test.serial.skip;
if (!chromium) console.log('# skipped: the report in a browser, for there is no Chromium here (CHROME names one)');

let run: string;
test.before(async () => {
  run = await makeSquaresRun();
});
test.after.always(() => rm(run, {recursive: true, force: true}));

/**
 * Helpers for probes: the first picture, the text shown under the pointer, and `seen`, whose lines become the text of
 * the page.
 */
const TOOLS = `
const seen = [];
const canvas = document.querySelector('figure canvas');
const pause = () => new Promise((done) => setTimeout(done, 100));
const pixel = (x, y, of = canvas) => [...of.getContext('2d').getImageData(x, y, 1, 1).data.slice(0, 3)].join(' ');
const press = (view) => document.querySelector('button[value=' + view + ']').click();
const slide = (value) => {
  const slider = document.querySelector('#threshold');
  slider.value = value;
  slider.dispatchEvent(new Event('input'));
};
const point = (x, y, type = 'pointermove', pointerType = 'mouse') => {
  const {left, top, width, height} = canvas.getBoundingClientRect();
  const at = {clientX: left + ((x + 0.5) / canvas.width) * width, clientY: top + ((y + 0.5) / canvas.height) * height};
  canvas.dispatchEvent(new PointerEvent(type, {...at, pointerType, bubbles: true}));
  return told();
};
const figure = (name) => document.querySelector('[data-figure=' + name + ']').textContent;
const told = () => {
  const tip = document.querySelector('.values');
  return tip.hidden ? 'nothing' : tip.textContent;
};
`;
const END = "document.body.innerHTML = ''; document.body.textContent = seen.join('\\n');";

/** The lines that `probe` collects in the report. */
async function lookAt(options: ReportOptions, probe: string): Promise<string[]> {
  const output = join(run, 'probe.html');
  await writeReport(run, {...options, output});
  const html = await readFile(output, 'utf8');
  await writeFile(output, html.replace('</body>', `<script type="module">${TOOLS}${probe}${END}</script></body>`));
  const [, body] = /<body>(.*)<\/body>/s.exec(await openInChromium(output, join(run, 'browser')))!;
  return body!.trim().split('\n');
}

inBrowser('slider, views and values under the pointer work', async (t) => {
  const lines = await lookAt(
    {model: squareModel, data: squares(['square'])},
    `
const look = async (name) => {
  await pause();
  const counts = figure('predicted') + ' predicted, ' + figure('truth') + ' true';
  seen.push(name + ': ' + counts + '; ' + pixel(5, 5) + '; ' + pixel(25, 25));
};
await look('prediction');
slide('0.7');
await look('above 0.7');
press('truth');
await look('truth');
canvas.click();
await look('turned');
press('image');
await look('image');
const {left, top, width, height} = document.querySelector('.chart [data-name=total]').getBoundingClientRect();
const event = new PointerEvent('pointermove', {clientX: left + width, clientY: top + height, bubbles: true});
document.querySelector('.chart svg').dispatchEvent(event);
seen.push(told());
`,
  );
  const [prediction, above, truth, turned, image, values] = lines;
  const grey = '100 100 100';
  t.regex(prediction!, new RegExp(`^prediction: 1 predicted, 1 true; ${grey}; (?!${grey})`));
  t.is(above, `above 0.7: 0 predicted, 1 true; ${grey}; ${grey}`);
  t.regex(truth!, new RegExp(`^truth: 0 predicted, 1 true; (?!${grey}).*; ${grey}$`));
  t.is(turned, `turned: 0 predicted, 1 true; ${grey}; ${grey}`);
  t.is(image, `image: 0 predicted, 1 true; ${grey}; ${grey}`);
  // The last of six steps, which has a loss of 1.75.
  t.regex(values!, /^step 6total 1\.75classifier 0\.350/);
});

inBrowser('under the pointer stand class and score; a finger asks for them without turning the picture', async (t) => {
  const lines = await lookAt(
    {model: squareModel, data: squares(['square'])},
    `
await pause();
seen.push(point(25, 25), point(5, 5));
seen.push(point(25, 25, 'pointerdown', 'touch'));
canvas.click();
await pause();
seen.push(document.querySelector('[aria-pressed=true]').value);
point(5, 5, 'pointerdown', 'touch');
canvas.click();
await pause();
seen.push(document.querySelector('[aria-pressed=true]').value, point(5, 5));
press('image');
seen.push(told(), point(5, 5));
`,
  );
  t.deepEqual(lines, [
    'square 0.60, false positive',
    'nothing',
    'square 0.60, false positive',
    'found',
    'truth',
    'square',
    'nothing',
    'nothing',
  ]);
});

inBrowser('several classes have a colour each, and a legend', async (t) => {
  const [legend, ...contours] = await lookAt(
    {model: modelOf('round'), data: squares(['round', 'square'])},
    `
press('truth');
await pause();
seen.push([...document.querySelectorAll('.legend li')].map((item) => item.textContent + ' ' + item.querySelector('i').style.background).join('; '));
for (const figure of document.querySelectorAll('figure')) {
  seen.push(figure.textContent.includes('1.png') + ' ' + pixel(0, 0, figure.querySelector('canvas')));
}
`,
  );
  t.is(legend, 'round rgb(86, 180, 233); square rgb(230, 159, 0)');
  // Only image 1 has the detection of the square.
  t.deepEqual(contours.sort(), ['false 86 180 233', 'false 86 180 233', 'true 230 159 0']);
});

inBrowser('the slider moves every figure below a picture to the scores of the evaluation', async (t) => {
  const data = squares(['square', 'circle']);
  const [start, ...thresholds] = [0.335, 0.05, 0.33, 0.34, 0.6, 0.61, 0.8, 0.85, 1];
  const lines = await lookAt(
    {model: busyModel, data, scoreThreshold: start!},
    `
const look = () => {
  for (const caption of document.querySelectorAll('figcaption')) {
    const figures = [...caption.querySelectorAll('[data-figure]')].map((item) => item.dataset.figure + ' ' + item.textContent);
    seen.push([document.querySelector('#threshold-value').value, /\\d.png/.exec(caption.textContent)[0], ...figures].join(', '));
  }
};
look();
for (const value of ${JSON.stringify(thresholds)}) {
  slide(value);
  look();
}
`,
  );
  const expected: string[] = [];
  for (const scoreThreshold of [start!, ...thresholds]) {
    const {details} = await evaluate(busyModel, {data, scoreThreshold});
    for (const {file, pixel, objects, counts} of details.images) {
      const share = (name: 'f1' | 'precision' | 'recall') => `${name} ${objects[name]?.toFixed(3) ?? '-'}`;
      const number = (name: 'truth' | 'predicted' | 'truePositives' | 'dropped') => `${name} ${objects[name]}`;
      const errors = counts.map(({name, truth, predicted, error}) => {
        const of = counts.length > 1 ? `${name} ` : '';
        return `${of}${error > 0 ? '+' : ''}${error} (${predicted} detected, ${truth} true)`;
      });
      const figures = [
        ...[share('f1'), share('precision'), share('recall')],
        ...[number('truth'), number('predicted'), number('truePositives'), number('dropped')],
        ...[`iou ${pixel.iou!.toFixed(3)}`, `error ${errors.join('; ')}`],
      ];
      expected.push([scoreThreshold, /\d.png/.exec(file)![0], ...figures].join(', '));
    }
  }
  // The order of the classes is that of truth and detections in the page, and that of the data set in the evaluation.
  const sorted = (given: readonly string[]) =>
    given
      .map((line) =>
        line
          .split(/, |; |error /)
          .sort()
          .join(),
      )
      .sort();
  t.deepEqual(sorted(lines), sorted(expected));
  t.is(lines.length, 3 * (1 + thresholds.length));
  t.regex(lines.join('\n'), /dropped 2/);
});

inBrowser(
  'the meaning of a score is shown under the pointer and where the keyboard stops, until it leaves',
  async (t) => {
    const lines = await lookAt(
      {model: busyModel, data: squares(['square'])},
      `
const term = document.querySelector('.headlines .explained');
const over = (type) => term.dispatchEvent(new PointerEvent(type, {clientX: 10, clientY: 10, pointerType: 'mouse'}));
seen.push(term.textContent, told());
over('pointermove');
seen.push(told());
over('pointerleave');
seen.push(told());
const last = [...document.querySelectorAll('.metrics .explained')].at(-1);
last.focus();
await pause(); // the page has scrolled to it
seen.push(told().length > 20);
dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}));
seen.push(told());
term.focus();
seen.push(told());
term.blur();
seen.push(told());
const unexplained = [...document.querySelectorAll('[data-figure]')].filter((item) => !item.previousElementSibling.matches('.explained'));
seen.push(unexplained.length);
`,
    );
    const meaning = meaningOf(['pixel', 'mean', 'iou'])!;
    t.deepEqual(lines, ['pixel IoU', 'nothing', meaning, 'nothing', 'true', 'nothing', meaning, 'nothing', '0']);
  },
);

inBrowser('on a phone nothing is wider than the page', async (t) => {
  const long = 'a_name_without_a_gap_'.repeat(6);
  const output = join(run, 'narrow.html');
  await writeReport(run, {
    model: modelOf(long),
    data: squares([long, `another-${long}`]),
    weights: `${long}.safetensors`,
    output,
  });
  const probe = 'parent.postMessage(innerWidth + " " + document.documentElement.scrollWidth, "*")';
  const html = await readFile(output, 'utf8');
  await writeFile(output, html.replace('</body>', `<script type="module">${probe}</script></body>`));
  const frame = join(run, 'frame.html');
  await writeFile(frame, framePage(output, 390));
  const [, inner, content] = /<body>\s*(\d+) (\d+)/.exec(await openInChromium(frame, join(run, 'browser')))!;
  t.is(Number(inner), 390);
  t.true(Number(content) <= Number(inner), `${content} pixels of content`);
});
