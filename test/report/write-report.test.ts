import {mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {type Dataset, type MaskRcnnError, writeReport} from '../../lib/index.js';
import {runsOf} from '../../lib/report/page/gallery.js';
import {meaningOf} from '../../lib/report/score-meanings.js';
import {RunFolder} from '../../lib/run/run-folder.js';
import {epoch, pixelScores} from '../run/records.js';
import {side} from './square.js';
import {makeSquaresRun, squareModel as model, squares} from './squares-run.js';

const data = squares(['square']);

let run: string;
test.before(async () => {
  run = await makeSquaresRun();
});
test.after.always(() => rm(run, {recursive: true, force: true}));

test.serial('without a model there are curves, scores and options, and nothing is loaded from elsewhere', async (t) => {
  t.is(await writeReport(run), join(run, 'report.html'));
  const html = await readFile(join(run, 'report.html'), 'utf8');
  t.regex(html, /<p class="soft">3 epochs, 6 steps, 9 s\./);
  const card =
    /<li><span class="explained" tabindex="0" aria-description="([^"]+)">pixel IoU<\/span><strong>(.*?)<\/li>/;
  const [, meaning, scores] = card.exec(html)!;
  t.is(meaning, meaningOf(['pixel', 'mean', 'iou']));
  t.is(scores, '0.700</strong><span class="soft">best 0.700 in epoch 3</span>');
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
  t.like(images[0], {width: side, truth: [{left: 0, top: 0, width: 10, height: 10, runs: '0,100'}]});
  t.like(images[0].found, [{name: 'square', left: 20, top: 20, score: Math.fround(0.6), runs: '0,100'}]);
  const nothing = {truth: 1, predicted: 0, truePositives: 0, dropped: 0, f1: 0, precision: null, recall: 0, iou: 0};
  t.deepEqual(images[0].scores, [nothing, {...nothing, predicted: 1, precision: 0}]);
  t.true(html.includes('&lt;/script&gt;&lt;b&gt;0.png'));
});

test.serial('the page names the weights whose predictions it shows, or the epoch of its picture', async (t) => {
  const output = join(run, 'weights.html');
  await writeReport(run, {model, data, output, weights: 'runs/<a>/best.safetensors'});
  t.regex(await readFile(output, 'utf8'), /The predictions are those of <b>runs\/&lt;a&gt;\/best\.safetensors<\/b>\./);
  await writeReport(run, {model, data, output});
  t.false((await readFile(output, 'utf8')).includes('The predictions are those of'));

  await mkdir(join(run, 'validation'), {recursive: true});
  for (const name of ['epoch-2.png', 'epoch-10.png']) await writeFile(join(run, 'validation', name), 'picture');
  await writeReport(run, {output});
  t.regex(await readFile(output, 'utf8'), /validation\/epoch-10\.png, with the weights of that epoch\./);
});

test.serial('all metrics are there, of the epoch that the run chose and of the last', async (t) => {
  const folder = join(run, 'metrics');
  const records = await RunFolder.open(folder);
  await records.writeOptions({train: {bestBy: 'f1'}});
  const scores = (iou: number, f1: number) => ({mean: {...pixelScores(iou).mean, f1}, pooled: {}, images: 3});
  const validations = [{pixel: scores(0.9, 0.2)}, {pixel: scores(0.3, 0.61234)}, null, {pixel: scores(0.5, 0.4)}];
  for (const [i, validation] of validations.entries()) await records.append({type: 'epoch', ...epoch(i, validation)});
  await records.close();
  const html = await readFile(await writeReport(folder), 'utf8');
  t.regex(html, /<th>metric<\/th><th>epoch 2, best by f1<\/th><th>epoch 4, last<\/th>/);
  t.regex(html, />pixel mean f1<\/span><\/td><td>0\.6123<\/td><td>0\.4000<\/td><\/tr>/);
  t.regex(html, />pixel images<\/span><\/td><td>3<\/td><td>3<\/td><\/tr>/);
  // Ties go as in training, which keeps the epoch of the higher mask AP.
  const tied = join(run, 'tied');
  const equal = await RunFolder.open(tied);
  await equal.writeOptions({train: {bestBy: 'iou'}});
  for (const [i, ap] of [0.1, 0.3, 0.2].entries()) {
    await equal.append({type: 'epoch', ...epoch(i, {segm: {ap}, pixel: scores(0, 0)})});
  }
  await equal.close();
  t.regex(await readFile(await writeReport(tied), 'utf8'), /<th>epoch 2, best by iou<\/th><th>epoch 3, last<\/th>/);
  // If the best epoch is the last one, there is one column.
  const same = await readFile(await writeReport(run, {output: join(run, 'same.html')}), 'utf8');
  t.regex(same, /<th>metric<\/th><th>epoch 3, best by iou and last<\/th><\/tr>/);
});

test('runs are in reading order, background first', (t) => {
  const bitmap = Uint8Array.of(0, 0, 1, 1, 1, 0, 0, 0, 1);
  t.deepEqual(runsOf({bitmap, left: 0, top: 0, width: 3, height: 3}), [2, 3, 3, 1]);
  t.deepEqual(runsOf({bitmap: Uint8Array.of(1, 0), left: 0, top: 0, width: 2, height: 1}), [0, 1, 1]);
});

test('a folder without a run, and a model without data, are refused', async (t) => {
  const missing = join(run, 'nothing');
  await t.throwsAsync(writeReport(missing), {code: 'INVALID_DATASET', message: `${missing} does not exist.`});
  await mkdir(missing);
  const none = `${missing} is not the folder of a run: it has no options.json.`;
  await t.throwsAsync(writeReport(missing), {code: 'INVALID_DATASET', message: none});
  for (const damaged of ['', 'null', '3', '[]', '{"epochs": ']) {
    await writeFile(join(missing, 'options.json'), damaged);
    const error = await t.throwsAsync(writeReport(missing), {code: 'INVALID_DATASET'}, damaged);
    t.is((error as MaskRcnnError).file, join(missing, 'options.json'));
    t.true(error!.message.startsWith(`${join(missing, 'options.json')} is damaged, and must be a JSON object: `));
  }
  await t.throwsAsync(writeReport(run, {model}), {code: 'INVALID_OPTION', message: /'model' and 'data' together/});
  await t.throwsAsync(writeReport(run, {data: {} as Dataset}), {code: 'INVALID_OPTION'});
});
