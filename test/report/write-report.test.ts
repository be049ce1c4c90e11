import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {loadBinding} from '../../lib/binding.js';
import {type Dataset, type Detections, type MaskRcnn, type Sample, writeReport} from '../../lib/index.js';
import {runsOf} from '../../lib/report/page/gallery.js';
import {RunFolder} from '../../lib/run-folder.js';
import {epoch, pixelScores, step} from '../run/records.js';
import {chromium, openInChromium} from './chromium.js';
import {side, squareSample} from './square.js';

/** Its file is named as if to break the page. */
const sample = (index: number) => squareSample(index, `</script><b>${index}.png`);

const data: Dataset = {length: 3, classes: ['square'], get: async (index) => sample(index)};
const {rle} = await loadBinding();
const counts = rle.encodeCrop(
  {left: 20, top: 20, width: 10, height: 10, data: new Uint8Array(100).fill(1)},
  side,
  side,
);
const hit = rle.encodeCrop(sample(0).instances[0]!.mask, side, side);

/** On image 1 the square with a score of 0.9; on all others something else with 0.6. */
const predict = async ({data: [index]}: Sample['image']): Promise<Detections[]> => [
  {
    ...{width: side, height: side, labels: Int32Array.of(1), classNames: ['square']},
    boxes: index === 1 ? Float32Array.of(0, 0, 10, 10) : Float32Array.of(20, 20, 30, 30),
    scores: Float32Array.of(index === 1 ? 0.9 : 0.6),
    masks: [{size: [side, side], counts: index === 1 ? hit : counts}],
  },
];
const model = {predict} as unknown as MaskRcnn;

let run: string;

test.before(async () => {
  run = await mkdtemp(join(tmpdir(), 'maskrcnn-report-'));
  const folder = await RunFolder.open(run);
  await folder.writeOptions({model: {backbone: '<resnet18>'}, classes: ['square'], train: {lr: 0.01}});
  const steps = Array.from({length: 6}, (_, index) => step(index, 3 - index / 4));
  for (const record of steps) await folder.append({type: 'step', ...record});
  for (const index of [0, 1, 2]) {
    await folder.append({type: 'epoch', ...epoch(index, index === 1 ? null : {pixel: pixelScores(0.5 + index / 10)})});
  }
  await folder.close();
});

test.after.always(() => rm(run, {recursive: true, force: true}));

test.serial('without a model there are curves, scores and options, and nothing is loaded from elsewhere', async (t) => {
  t.is(await writeReport(run), join(run, 'report.html'));
  const html = await readFile(join(run, 'report.html'), 'utf8');
  t.regex(html, /<p class="soft">3 epochs, 6 steps, 9 s\./);
  t.regex(html, /<li>pixel IoU<strong>0\.700<\/strong><span class="soft">best 0\.700/);
  t.regex(html, /<tr><td>2<\/td><td>1\.000<\/td><td><\/td><td><\/td><td>3 s<\/td><\/tr>/);
  t.true(html.includes('&lt;resnet18&gt;'));
  t.false(html.includes('<resnet18>'));
  t.false(html.includes('id="gallery"'));
  t.notRegex(html.replaceAll('http://www.w3.org/2000/svg', ''), /https?:|<link|<script src|@import|url\(/);
});

test.serial('the gallery has the worst images first, and no more than asked for', async (t) => {
  const output = join(run, 'gallery.html');
  let done = 0;
  t.is(await writeReport(run, {model, data, worst: 2, output, onImage: () => done++}), output);
  t.is(done, 3);
  const html = await readFile(output, 'utf8');
  t.regex(html, /<h2>The worst 2 of 3 images<\/h2>/);
  const [, json] = /<script type="application\/json" id="gallery">(.*)<\/script>/.exec(html)!;
  const {images} = JSON.parse(json!);
  t.deepEqual(
    images.map(({file}: {file: string}) => file),
    ['</script><b>0.png', '</script><b>2.png'],
  );
  t.like(images[0], {objectF1: 0, width: side, truth: [{left: 0, top: 0, width: 10, height: 10, runs: '0,100'}]});
  t.like(images[0].found, [{left: 20, top: 20, score: 0.6, runs: '0,100'}]);
  t.true(html.includes('&lt;/script&gt;&lt;b&gt;0.png'));
});

test('runs are in reading order, background first', (t) => {
  const bitmap = Uint8Array.of(0, 0, 1, 1, 1, 0, 0, 0, 1);
  t.deepEqual(runsOf({bitmap, left: 0, top: 0, width: 3, height: 3}), [2, 3, 3, 1]);
  t.deepEqual(runsOf({bitmap: Uint8Array.of(1, 0), left: 0, top: 0, width: 2, height: 1}), [0, 1, 1]);
});

test('a folder without a run, and a model without data, are refused', async (t) => {
  const missing = join(run, 'nothing');
  await t.throwsAsync(writeReport(missing), {code: 'INVALID_DATASET', message: /options\.json must be there/});
  await t.throwsAsync(writeReport(run, {model}), {code: 'INVALID_OPTION', message: /'model' and 'data' together/});
  await t.throwsAsync(writeReport(run, {data: {} as Dataset}), {code: 'INVALID_OPTION'});
});

/** Moves the slider, turns the view, points at the curve, and leaves in the page what came of it. */
const probe = `
const seen = [];
const canvas = document.querySelector('figure canvas');
const pixel = (x, y) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data.slice(0, 3)].join(' ');
const look = async (name) => {
  await new Promise((done) => setTimeout(done, 100));
  const {textContent} = document.querySelector('.count');
  seen.push(name + ': ' + textContent + '; ' + pixel(5, 5) + '; ' + pixel(25, 25));
};
const slider = document.querySelector('#threshold');
await look('prediction');
slider.value = '0.7';
slider.dispatchEvent(new Event('input'));
await look('above 0.7');
document.querySelector('button[value=truth]').click();
await look('truth');
canvas.click();
await look('turned');
document.querySelector('button[value=image]').click();
await look('image');
const {left, top, width, height} = document.querySelector('.chart [data-name=total]').getBoundingClientRect();
const event = new PointerEvent('pointermove', {clientX: left + width, clientY: top + height, bubbles: true});
document.querySelector('.chart svg').dispatchEvent(event);
seen.push(document.querySelector('.values').textContent);
document.body.innerHTML = '';
document.body.textContent = seen.join('\\n');
`;

(chromium ? test.serial : test.serial.skip)(
  'in a browser slider, views and values under the pointer work',
  async (t) => {
    const output = join(run, 'probe.html');
    await writeReport(run, {model, data, output});
    const html = await readFile(output, 'utf8');
    await writeFile(output, html.replace('</body>', `<script type="module">${probe}</script></body>`));
    const [, body] = /<body>(.*)<\/body>/s.exec(await openInChromium(output, join(run, 'browser')))!;
    const [prediction, above, truth, turned, image, values] = body!.trim().split('\n');
    const grey = '100 100 100';
    t.regex(prediction!, new RegExp(`^prediction: 1 found, 1 true; ${grey}; (?!${grey})`));
    t.is(above, `above 0.7: 0 found, 1 true; ${grey}; ${grey}`);
    t.regex(truth!, new RegExp(`^truth: 0 found, 1 true; (?!${grey}).*; ${grey}$`));
    t.is(turned, `turned: 0 found, 1 true; ${grey}; ${grey}`);
    t.is(image, `image: 0 found, 1 true; ${grey}; ${grey}`);
    // The last of six steps, whose loss is 1.75.
    t.regex(values!, /^step 6total 1\.75classifier 0\.350/);
  },
);
if (!chromium) console.log('Skipped: the report in a browser, for there is no Chromium here (CHROME names one).');
