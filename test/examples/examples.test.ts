import {mkdir, readdir, readFile, rename, rm, writeFile} from 'node:fs/promises';
import {basename, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import sharp from 'sharp';
import {writeGlandImages} from '../../examples/glands/generate.js';
import {MaskFolder} from '../../lib/index.js';
import {decodeRle} from '../../lib/masks/rle.js';
import {runExample, temporaryFolder} from './run-example.js';

type Epoch = {type: string; loss: number};

const examples = fileURLToPath(new URL('../../examples', import.meta.url));

let folder: string;

test.before(async () => {
  folder = await temporaryFolder();
});

test.after.always(async () => {
  await rm(folder, {recursive: true, force: true});
});

/** The files of `examples/` that are programs. These start with a comment that says how to run them. */
async function programs(): Promise<string[]> {
  const names = (await readdir(examples)).filter((name) => name.endsWith('.ts'));
  const texts = await Promise.all(names.map((name) => readFile(join(examples, name), 'utf8')));
  return names.filter((_, i) => texts[i]!.startsWith('/**')).map((name) => basename(name, '.ts'));
}

async function epochLosses(run: string): Promise<number[]> {
  const lines = (await readFile(join(run, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  const records = lines.map((line) => JSON.parse(line) as Epoch);
  return records.filter(({type}) => type === 'epoch').map(({loss}) => loss);
}

test.serial('demo.ts trains on images that it draws, and its loss falls', async (t) => {
  const run = join(folder, 'demo');
  const {code, stdout, stderr} = await runExample(
    'demo',
    ...['--output', run, '--images', '8', '--held-out', '2', '--epochs', '2'],
  );
  t.is(code, 0, stderr);

  t.regex(stdout, /mean over images +[01]\.\d{3}/);
  t.regex(stdout, /objects +F1 +precision +recall +Dice +Hausdorff/);
  const losses = await epochLosses(run);
  t.is(losses.length, 2);
  t.true(losses[1]! < losses[0]!, `the loss went from ${losses[0]} to ${losses[1]}`);
  const scores = JSON.parse(await readFile(join(run, 'scores.json'), 'utf8'));
  t.is(scores.pixel.images, 2);
  t.true(scores.pixel.mean.iou >= 0 && scores.pixel.mean.iou <= 1);

  t.deepEqual((await readdir(join(run, 'overlays'))).sort(), ['test_1.png', 'test_2.png']);
  const overlay = await sharp(join(run, 'overlays', 'test_1.png')).metadata();
  t.true(overlay.width > 3 * 160, 'three panels beside one another');
  t.is((await sharp(join(run, 'losses.png')).metadata()).format, 'png');
  t.true((await readdir(run)).includes('last.safetensors'));
});

test.serial('demo.ts draws anew over what it drew, and leaves all that others have made', async (t) => {
  const run = join(folder, 'project');
  const drawn = join(run, 'drawn-glands');
  await mkdir(join(run, 'data'), {recursive: true});
  await mkdir(drawn);
  await writeFile(join(run, 'data', 'mine.png'), 'mine');
  await writeFile(join(drawn, 'train_99.png'), 'of an earlier demo');
  const small = ['--output', run, '--images', '2', '--held-out', '1', '--epochs', '1'];
  const {code, stderr} = await runExample('demo', ...small);
  t.is(code, 0, stderr);
  t.false((await readdir(drawn)).includes('train_99.png'));
  t.deepEqual(await readdir(join(run, 'data')), ['mine.png']);

  const before = await readdir(drawn);
  await writeFile(join(drawn, 'mine.png'), 'mine');
  const refused = await runExample('demo', ...small);
  t.is(refused.code, 2);
  t.regex(refused.stderr, /mine\.png was not drawn by the demo: name another --output\./);
  t.deepEqual((await readdir(drawn)).sort(), [...before, 'mine.png'].sort());
});

test.serial('predict.ts finds objects with weights that the demo saved', async (t) => {
  const image = join(folder, 'demo', 'drawn-glands', 'test_1.png');
  const {code, stdout, stderr} = await runExample(
    'predict',
    ...[
      join(folder, 'demo', 'last.safetensors'),
      image,
      '--score-threshold',
      '0.05',
      '--output',
      join(folder, 'predict'),
    ],
  );
  t.is(code, 0, stderr);

  const result = JSON.parse(await readFile(join(folder, 'predict', 'test_1.json'), 'utf8'));
  t.deepEqual([result.width, result.height], [160, 160]);
  t.true(result.objects.length > 0, stdout);
  for (const object of result.objects) {
    const [x0, y0, x1, y1] = object.box;
    t.is(object.class, 'gland');
    t.true(object.score > 0.05 && object.score <= 1);
    t.true(0 <= x0 && x0 < x1 && x1 <= 160 && 0 <= y0 && y0 < y1 && y1 <= 160);
    t.is(decodeRle(object.mask).length, 160 * 160);
  }
  const {info} = await sharp(join(folder, 'predict', 'test_1_overlay.png'))
    .raw()
    .toBuffer({resolveWithObject: true});
  t.is(info.width, info.height);
});

test.serial(
  'evaluate-coco.ts scores weights on a data set of COCO’s form, and the results file that it writes',
  async (t) => {
    const names = ['test_1', 'test_2'];
    const drawn = join(folder, 'demo', 'drawn-glands');
    const masks = await MaskFolder.open(drawn, {classes: ['gland'], include: 'test_*'});
    const annotations = [];
    for (const [i] of names.entries()) {
      for (const {
        box: [x0, y0, x1, y1],
        mask,
      } of (await masks.get(i)).instances) {
        const bbox = [x0, y0, x1 - x0, y1 - y0];
        const segmentation = [[x0, y0, x1, y0, x1, y1, x0, y1]];
        const area = mask!.data.reduce((sum, pixel) => sum + pixel, 0);
        annotations.push({
          id: annotations.length + 1,
          image_id: i + 1,
          category_id: 7,
          bbox,
          area,
          iscrowd: 0,
          segmentation,
        });
      }
    }
    const file = join(folder, 'instances.json');
    const images = names.map((name, i) => ({id: i + 1, file_name: `${name}.png`, width: 160, height: 160}));
    await writeFile(file, JSON.stringify({images, annotations, categories: [{id: 7, name: 'gland'}]}));
    const output = join(folder, 'evaluate');
    const weights = join(folder, 'demo', 'last.safetensors');
    const {code, stdout, stderr} = await runExample(
      'evaluate-coco',
      ...[file, '--images', drawn, '--weights', weights, '--output', output],
    );
    t.is(code, 0, stderr);
    t.regex(stdout, new RegExp(`2 images, ${annotations.length} annotations, 0 images without any`));
    t.deepEqual((await readdir(output)).sort(), [
      'confusion.png',
      'confusion.svg',
      'images.csv',
      'precision-recall.png',
      'precision-recall.svg',
      'report.html',
      'results.json',
      'scores.json',
      'worst.png',
    ]);
    const again = await runExample('evaluate-coco', file, '--results', join(output, 'results.json'));
    t.is(again.code, 0, again.stderr);
    const table = /COCO, precision[\s\S]*?masks .*\n/;
    t.is(table.exec(again.stdout)?.[0], table.exec(stdout)![0]);

    const neither = await runExample('evaluate-coco', file);
    t.is(neither.code, 2);
    t.regex(neither.stderr, /Either --weights or --results is needed/);
  },
);

test.serial('glas.ts trains on a folder in the layout of the contest', async (t) => {
  const data = join(folder, 'glas');
  await writeGlandImages(data, 'train', 5, 7);
  await writeGlandImages(data, 'testA', 1, 8);
  const run = join(folder, 'glas-run');
  const {code, stdout, stderr} = await runExample(
    'glas',
    ...[data, '--epochs', '2', '--min-size', '128', '--precision', 'float32', '--device', 'cpu', '--output', run],
  );
  t.is(code, 0, stderr);

  const losses = await epochLosses(run);
  // The learning rate is still warming up. The demo shows that the loss falls.
  t.is(losses.length, 2);
  t.true(
    losses.every((loss) => loss > 0 && loss < 10),
    `${losses}`,
  );
  t.regex(stdout, /mean over images +[01]\.\d{3}/);
  t.deepEqual(await readdir(join(run, 'overlays')), ['testA_1.png']);
  t.true((await readdir(run)).includes('best.safetensors'));
});

test.serial('penn-fudan.ts goes on from weights of other classes', async (t) => {
  const data = join(folder, 'penn-fudan');
  await writeGlandImages(data, 'ped', 4, 9);
  await mkdir(join(data, 'PNGImages'));
  await mkdir(join(data, 'PedMasks'));
  for (const number of [1, 2, 3, 4]) {
    await rename(join(data, `ped_${number}.png`), join(data, 'PNGImages', `ped_${number}.png`));
    await rename(join(data, `ped_${number}_anno.png`), join(data, 'PedMasks', `ped_${number}_mask.png`));
  }
  const run = join(folder, 'penn-fudan-run');
  const {code, stdout, stderr} = await runExample(
    'penn-fudan',
    ...[data, '--weights', join(folder, 'demo', 'last.safetensors'), '--min-size', '160', '--held-out', '1'],
    ...['--epochs', '2', '--device', 'cpu', '--output', run],
  );
  t.is(code, 0, stderr);

  t.regex(stdout, /predictor/, 'that the heads were replaced is said');
  // StepLR(step_size=3, gamma=0.1) as in the tutorial and in docs/penn-fudan.md.
  const {train} = JSON.parse(await readFile(join(run, 'options.json'), 'utf8'));
  t.like(train.schedule, {type: 'step', every: 3, gamma: 0.1});
  t.regex(stdout, /objects +F1/);
  const losses = await epochLosses(run);
  t.true(losses[1]! < losses[0]!, `the loss went from ${losses[0]} to ${losses[1]}`);
  t.is((await readdir(join(run, 'overlays'))).length, 1);
});

test.serial('finetune-folder.ts inspects, trains, scores and writes a report', async (t) => {
  const data = join(folder, 'cells');
  await writeGlandImages(data, 'plate', 5, 10);
  const run = join(folder, 'cells-run');
  const weights = join(folder, 'demo', 'last.safetensors');
  const {code, stdout, stderr} = await runExample(
    'finetune-folder',
    ...[data, '--classes', 'cell', '--weights', weights, '--epochs', '1', '--device', 'cpu', '--output', run],
  );
  t.is(code, 0, stderr);
  t.regex(stdout, /No faults\./);
  t.regex(stdout, /objects +F1/);
  const report = await readFile(join(run, 'report.html'), 'utf8');
  t.true(report.includes('plate_'));
  t.regex(report, /The predictions are those of <b>[^<]*best\.safetensors<\/b>/);
});

test.serial('resume.ts goes on with an interrupted run to the weights of one that was not', async (t) => {
  const data = join(folder, 'cells');
  const weights = join(folder, 'demo', 'last.safetensors');
  const start = (output: string, ...more: string[]) =>
    runExample(
      'resume',
      ...[data, '--weights', weights, '--epochs', '2', '--device', 'cpu', '--output', join(folder, output), ...more],
    );
  const interrupted = await start('interrupted', '--stop-after', '2');
  t.is(interrupted.code, 0, interrupted.stderr);
  t.regex(interrupted.stdout, /Interrupted after 2 steps/);
  t.regex((await start('interrupted')).stdout, /Done after 4 steps/);
  t.regex((await start('whole')).stdout, /Done after 6 steps/);
  const last = async (run: string) => await readFile(join(folder, run, 'last.safetensors'));
  t.true((await last('interrupted')).equals(await last('whole')));
});

test('an unknown option ends an example with its usage', async (t) => {
  for (const name of await programs()) {
    const {code, stderr} = await runExample(name, '--colour');
    t.is(code, 2, name);
    t.regex(stderr, /--colour/, name);
    t.regex(stderr, /--output DIR/, name);
  }
});

test('an error of the package is shown with its code and hint, without a stack', async (t) => {
  const {code, stderr} = await runExample('glas', join(folder, 'nowhere'));
  t.is(code, 1);
  t.regex(stderr, /^INVALID_DATASET: .*nowhere/m);
  t.notRegex(stderr, /^ {4}at /m);
});
