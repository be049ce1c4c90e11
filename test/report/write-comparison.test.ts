import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {compareEvaluations, describeComparison, evaluate, writeComparison, writeEvaluation} from '../../lib/index.js';
import {chromium, framePage, openInChromium} from './chromium.js';
import {busyModel, modelOf, squareModel, squares} from './squares-run.js';

let folder: string;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-comparison-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const data = squares(['square']);

async function comparison(resamples = 100) {
  const [a, b] = [await evaluate(squareModel, {data}), await evaluate(busyModel, {data})];
  return compareEvaluations(
    [
      {name: 'runs/a', evaluation: a},
      {name: '</script>, "b"', evaluation: b},
    ],
    {resamples},
  );
}

test('in words: names, scores, differences and what the intervals are', async (t) => {
  const text = describeComparison(await comparison());
  const lines = text.split('\n');
  t.deepEqual(lines.slice(0, 2), ['1  runs/a', '2  </script>, "b"']);
  t.regex(text, /^score +1 +2 +2 − 1 +95 % interval$/m);
  // The first finds the square on one of three images, the second on all.
  t.regex(text, /^pixel IoU +0\.333 +\d\.\d{3} +\+\d\.\d{3} +[+-]?\d\.\d{3} to \+\d\.\d{3}$/m);
  t.regex(text, /^square +\d\.\d{3} +\d\.\d{3} +[+-]?\d\.\d{3} /m);
  t.true(
    text.endsWith(
      '3 images. Intervals hold 95 % of the differences in 100 resamples of the images (paired bootstrap, seed 0).',
    ),
  );
  const without = describeComparison(await comparison(0));
  t.true(without.endsWith('3 images, without intervals.'));
  t.regex(without, /^pixel IoU .* -$/m);
});

test('files: JSON with everything, CSV by score, class and image', async (t) => {
  const compared = await comparison();
  const into = join(folder, 'a', 'b');
  await writeComparison(compared, {folder: into});
  const read = (name: string) => readFile(join(into, name), 'utf8');
  t.deepEqual(JSON.parse(await read('comparison.json')), JSON.parse(JSON.stringify(compared)));
  const scores = (await read('scores.csv')).split('\r\n');
  const quoted = (rest: string) => `"</script>, ""b""${rest}"`;
  t.is(scores[0], `name,runs/a,${quoted('')},${quoted(' difference')},${quoted(' low')},${quoted(' high')}`);
  t.is(scores.length, compared.scores.length + 2);
  const iou = compared.scores.find(({path}) => path.join('.') === 'pixel.mean.iou')!;
  const {low, high} = iou.intervals![1]!;
  t.true(scores.includes(`pixel.mean.iou,${iou.values.join(',')},${iou.differences[1]},${low},${high}`));
  t.regex((await read('classes.csv')).split('\r\n')[1]!, /^square,/);
  const images = (await read('images.csv')).split('\r\n');
  t.is(images.length, 5);
  t.true(images[1]!.startsWith(`</script><b>0.png,${compared.perImage[0]!.f1.values.join(',')},`));
  const html = await read('comparison.html');
  t.false(html.includes('</script>, "b"'), 'names are escaped');
  t.is(html.match(/<svg class="interval"/g)!.length, 11, '10 main scores and a class');
  const blocked = join(folder, 'file');
  await writeFile(blocked, '');
  await t.throwsAsync(writeComparison(compared, {folder: blocked}), {code: 'WRITE_FAILED'});
  await t.throwsAsync(writeComparison(compared, {folder: 3 as never}), {code: 'INVALID_OPTION'});
});

test('the report of an evaluation and its CSV have the scores of each image', async (t) => {
  const evaluation = await evaluate(squareModel, {data});
  const into = join(folder, 'evaluation');
  await writeEvaluation(squareModel, evaluation, {
    folder: into,
    data,
    weights: 'runs/a.safetensors',
    gallery: 2,
    worst: 0,
  });
  const html = await readFile(join(into, 'report.html'), 'utf8');
  t.regex(html, /<h1>runs\/a\.safetensors<\/h1>/);
  t.regex(html, /The worst 2 of 3 images/);
  t.is(html.match(/<figure>/g)!.length, 2);
  t.regex(html, /pixel IoU<\/span><strong>0\.333<\/strong>/);
  t.notRegex(html, /(src|href)="(?!data:)/, 'nothing is loaded');
  const [head, ...rows] = (await readFile(join(into, 'images.csv'), 'utf8')).trim().split('\r\n');
  const columns = head!.split(',');
  t.is(rows.length, 3);
  for (const [i, row] of rows.entries()) {
    const cells = new Map(row.split(',').map((cell, k) => [columns[k]!, cell]));
    const {file, objects, pixel} = evaluation.details.images[i]!;
    t.is(cells.get('file'), file);
    t.is(cells.get('objects.f1'), String(objects.f1));
    t.is(cells.get('pixel.iou'), String(pixel.iou));
    t.is(cells.get('counts.error'), '0');
  }
  await writeEvaluation(squareModel, evaluation, {folder: into, data, gallery: 0, worst: 0});
  const plain = await readFile(join(into, 'report.html'), 'utf8');
  t.regex(plain, /<h1>Evaluation<\/h1>/);
  t.notRegex(plain, /<figure>/);
  t.regex(plain, /Number of objects on all 3 images/);
});

test('predictions of the gallery are of the views of the evaluation', async (t) => {
  const views: (number | undefined)[] = [];
  const model = modelOf('square');
  const watched = {
    ...model,
    predict: (image: never, options: {views?: number}) => {
      views.push(options.views);
      return model.predict(image);
    },
  } as unknown as typeof model;
  const evaluation = await evaluate(watched, {data, views: 2});
  await writeEvaluation(watched, evaluation, {folder: join(folder, 'views'), data, views: 2, gallery: 1, worst: 0});
  t.deepEqual(views, [2, 2, 2, 2]);
});

const inBrowser = chromium ? test.serial : test.serial.skip;
if (!chromium) console.log('# skipped: the comparison in a browser, for there is no Chromium here (CHROME names one)');

inBrowser('neither page is wider than a phone', async (t) => {
  const evaluation = await evaluate(busyModel, {data});
  await writeComparison(await comparison(), {folder});
  await writeEvaluation(busyModel, evaluation, {folder, data, gallery: 1, worst: 0});
  for (const name of ['comparison.html', 'report.html']) {
    const html = await readFile(join(folder, name), 'utf8');
    const probe =
      "parent.postMessage(document.documentElement.scrollWidth - document.documentElement.clientWidth + ' too wide of ' + innerWidth, '*');";
    const file = join(folder, `probe-${name}`);
    await writeFile(file, html.replace('</body>', `<script type="module">${probe}</script></body>`));
    const frame = join(folder, `frame-${name}`);
    await writeFile(frame, framePage(file, 390));
    t.regex(await openInChromium(frame, join(folder, 'browser')), /<body>0 too wide of 390<\/body>/);
  }
});
