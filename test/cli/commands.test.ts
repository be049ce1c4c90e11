import {existsSync, readFileSync} from 'node:fs';
import {copyFile, mkdir, readdir, rm, symlink, writeFile} from 'node:fs/promises';
import {join, relative} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {writeGlandImages} from '../../examples/glands/generate.js';
import {runCli} from '../../lib/cli/run.js';
import {readImage} from '../../lib/image/read-image.js';
import {readMask} from '../../lib/image/read-mask.js';
import {MaskFolder} from '../../lib/index.js';
import {readWeights} from '../../lib/weights/read-weights.js';
import {temporaryFolder} from '../examples/run-example.js';
import {recordedProgress} from '../libtorch/fake-wheel.js';
import {tinyModel} from '../tiny.js';

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);

test.before(async () => {
  folder = await temporaryFolder();
  await writeGlandImages(at('data'), 'train', 6, 1);
  await writeGlandImages(at('data'), 'test', 2, 2);
  // JSON is also valid YAML.
  const {classes: _, ...model} = tinyModel;
  await writeFile(at('tiny.yaml'), JSON.stringify({...model, include: 'train_*', classes: ['gland'], epochs: 1}));
});

test.after.always(() => rm(folder, {recursive: true, force: true}));

async function maskrcnn(...args: string[]) {
  const {progress, text} = recordedProgress();
  let out = '';
  const code = await runCli(args, {out: (line) => (out += `${line}\n`), progress}, new AbortController().signal);
  return {code, out, err: text()};
}

test.serial('inspect counts, and ends with code 1 where there are faults', async (t) => {
  const {code, out} = await maskrcnn('inspect', at('data'), '--include', 'train_*', '--classes', 'gland');
  t.is(code, 0);
  t.regex(out, /^6 images, 0 of them without instances; \d+ instances\.\n/);
  t.regex(out, /\nNo faults\.\n$/);

  await writeGlandImages(at('faulty'), 'a', 2, 3);
  await writeFile(at('faulty', 'a_1.png'), 'no image');
  const faulty = await maskrcnn('inspect', at('faulty'), '--json');
  t.is(faulty.code, 1);
  const {faults, images} = JSON.parse(faulty.out);
  t.is(images, 2);
  t.like(faults, {length: 1, 0: {code: 'INVALID_IMAGE', file: at('faulty', 'a_1.png')}});
  t.regex(faulty.err, /error: The data set has 1 fault\.\n$/);
});

test.serial('train fills the run folder from a configuration file and flags, the flags first', async (t) => {
  const {code, out, err} = await maskrcnn(
    ...[
      'train',
      relative('.', at('data')),
      '--config',
      at('tiny.yaml'),
      '--output',
      at('run'),
      '--validation',
      '0.34',
      '--epochs',
      '2',
    ],
  );
  t.is(code, 0, err);
  t.regex(out, /^training: 4 images/);
  t.regex(out, /\nvalidation: 2 images/);
  t.regex(out, /\nDone\. Best weights: .*best\.safetensors; last: .*last\.safetensors\nReport: .*report\.html\n$/);
  const options = JSON.parse(readFileSync(at('run', 'options.json'), 'utf8'));
  t.like(options, {classes: ['gland'], model: {backbone: 'resnet18', minSize: [64]}, train: {epochs: 2}});
  const command = JSON.parse(readFileSync(at('run', 'command.json'), 'utf8'));
  t.like(command, {data: at('data'), validation: 0.34, include: 'train_*', epochs: 2});
  t.regex(readFileSync(at('run', 'report.html'), 'utf8'), /best\.safetensors/, 'the gallery is of the best weights');
});

test.serial('train --resume needs the run alone, and refuses what would change its course', async (t) => {
  const before = readFileSync(at('run', 'last.safetensors'));
  const {code, out} = await maskrcnn('train', '--resume', '--output', at('run'));
  t.is(code, 0);
  t.regex(out, /^Done\./);
  t.true(before.equals(readFileSync(at('run', 'last.safetensors'))));
  const refused = await maskrcnn('train', '--resume', '--output', at('run'), '--lr', '1');
  t.is(refused.code, 2);
  t.regex(refused.err, /Option 'lr' of a resumed run must be 0\.005 as before, got 1\./);
});

test.serial('train --resume names what is missing', async (t) => {
  t.like(await maskrcnn('train', '--resume'), {
    code: 2,
    err: "error: maskrcnn train --resume needs --output, the run's folder, got none.\n",
  });
  const cases: [string[], string][] = [
    [[], at('none', 'command.json')],
    [[at('data')], at('none', 'last.state.safetensors')],
  ];
  for (const [args, missing] of cases) {
    const {code, err} = await maskrcnn('train', ...args, '--resume', '--output', at('none'));
    t.is(code, 2);
    t.true(err.startsWith(`error: maskrcnn train --resume needs ${missing}, and it is not there.\n`), err);
  }
  t.false(existsSync(at('none')));
  t.regex((await maskrcnn('train', '--resume=auto', '--output', at('none'))).err, /needs DATA, got none/);
});

test.serial('faulty data end train before the first step, unless it is to skip them', async (t) => {
  const args = ['train', at('faulty'), '--config', at('tiny.yaml'), '--include', 'a_*', '--validation', '0'];
  const {code, err} = await maskrcnn(...args, '--output', at('never'));
  t.is(code, 1);
  t.regex(err, /error: .*a_1\.png must be a BMP, PNG/);
  t.false(existsSync(at('never')));
  t.is((await maskrcnn(...args, '--output', at('skipping'), '--unreadable', 'skip')).code, 0);
  t.true(existsSync(at('skipping', 'last.safetensors')));
});

test.serial('an output that cannot be written ends a command before the work', async (t) => {
  await writeFile(at('file'), '');
  const commands = [
    ['train', at('data'), '--config', at('tiny.yaml')],
    ['predict', at('nowhere.safetensors'), at('data', 'test_1.png')],
    ['evaluate', at('data'), '--weights', at('nowhere.safetensors')],
  ];
  for (const command of commands) {
    const {code, out, err} = await maskrcnn(...command, '--output', at('file'));
    t.is(code, 1, command[0]);
    t.is(out, '');
    t.regex(err, /^error: .*file could not be written: ENOTDIR: [^\n]*\n$/);
  }
});

test.serial('train without --output in a folder that cannot hold runs ends before the work', async (t) => {
  const before = process.cwd();
  await mkdir(at('here'));
  await writeFile(at('here', 'runs'), '');
  process.chdir(at('here'));
  t.teardown(() => process.chdir(before));
  const {code, out, err} = await maskrcnn('train', at('data'), '--config', at('tiny.yaml'));
  t.is(code, 1);
  t.is(out, '');
  t.regex(err, /^error: runs.train could not be written: ENOTDIR: [^\n]*\n$/);
});

test.serial('report finds the validation images of the run again', async (t) => {
  await rm(at('run', 'report.html'));
  // Start in another folder than the run did, which used a relative path.
  const here = process.cwd();
  process.chdir(at('data'));
  const {code, out, err} = await maskrcnn('report', at('run'), '--worst', '1', '--score-threshold', '0');
  process.chdir(here);
  t.is(code, 0, err);
  t.is(out, `${at('run', 'report.html')}\n`);
  const html = readFileSync(at('run', 'report.html'), 'utf8');
  t.regex(html, /The worst 1 of 2 images/);
  t.regex(html, /best\.safetensors/);
  t.regex(html, /<figcaption>[^<]*train_\d\.png\n/);
  t.is((await maskrcnn('report', at('data'))).code, 1);
  for (const [args, text] of [
    [[at('run'), '--include', 'test_*'], 'report without --data takes no --include.\nThe validation images'],
    [[at('skipping'), '--worst', '1'], 'report of a run without validation images takes no --worst.\nName images'],
    [[at('skipping'), '--device', 'cpu'], 'report of a run without validation images takes no --device.\nName images'],
  ] as const) {
    const refused = await maskrcnn('report', ...args);
    t.is(refused.code, 2);
    t.true(refused.err.startsWith(`error: maskrcnn ${text}`), refused.err);
  }
  await writeFile(at('data', 'command.json'), '{"data":');
  const damaged = await maskrcnn('report', at('data'));
  t.is(damaged.code, 2);
  t.regex(damaged.err, /^error: .*command\.json must be YAML or JSON: [^\n]*\n$/);
  await rm(at('data', 'command.json'));
  t.is((await maskrcnn('report')).code, 2);
});

test.serial('predict tells once of images whose lower bits are not read', async (t) => {
  const images = at('camera');
  await mkdir(images);
  const pixels = Uint16Array.from({length: 64 * 64}, (_, i) => 152 + (i % 1655));
  const raw = {width: 64, height: 64, channels: 1} as const;
  for (const name of ['a.png', 'b.png']) {
    await sharp(pixels, {raw}).toColourspace('grey16').png().toFile(join(images, name));
  }
  const {code, err} = await maskrcnn('predict', at('run', 'last.safetensors'), images, '--output', at('dark'));
  t.is(code, 0);
  t.regex(
    err,
    /Warning: 2 images are read by their upper 8 bits only: .*a\.png has 16 bits per sample, values 152 to 1806 of 65535/,
  );
  t.is(err.match(/Warning/g)?.length, 1);
});

test.serial('predict writes what is asked for, goes on after an unreadable image, and ends with code 1', async (t) => {
  const output = at('found');
  const {code, out, err} = await maskrcnn(
    ...['predict', at('run', 'last.safetensors'), at('data', 'test_?.png'), at('faulty', 'a_1.png')],
    ...['--save', 'overlay,json,coco,labels', '--output', output, '--score-threshold', '0'],
  );
  t.is(code, 1);
  t.regex(err, /error: .*a_1\.png must be .*\n(.*\n)*error: 1 image of 3 could not be read\.\n$/);
  t.regex(out, /test_1\.png: \d+ objects?\n.*test_2\.png: \d+ objects?\n/);
  const names = ['test_1', 'test_2'].flatMap((stem) => [`${stem}.json`, `${stem}.png`, `${stem}_labels.png`]);
  t.deepEqual((await readdir(output)).sort(), [...names, 'images.json', 'results.json'].sort());

  const found = JSON.parse(readFileSync(join(output, 'test_1.json'), 'utf8'));
  t.like(found, {file: at('data', 'test_1.png'), width: 160, height: 160});
  t.true(found.objects.length > 0);
  t.is((await readImage(join(output, 'test_1.png'))).width % 160, 0);
  const labels = await readMask(join(output, 'test_1_labels.png'));
  t.is(labels.bits, 16);
  t.true(Math.max(...labels.ids) <= found.objects.length);
  const images = JSON.parse(readFileSync(join(output, 'images.json'), 'utf8'));
  t.deepEqual(
    images.map(({id}: {id: number}) => id),
    [1, 2],
  );
  const results = JSON.parse(readFileSync(join(output, 'results.json'), 'utf8'));
  t.is(results.filter((result: {image_id: number}) => result.image_id === 1).length, found.objects.length);
});

test.serial(
  'no two files that predict writes have one name, and an image that is named twice is read once',
  async (t) => {
    const [image, folder] = [at('data', 'test_1.png'), at('same')];
    await mkdir(join(folder, 'other'), {recursive: true});
    for (const name of ['a.png', 'a_labels.png', 'results.png', 'Images.png', join('other', 'A.png')]) {
      await copyFile(image, join(folder, name));
    }
    const inputs = [folder, join(folder, 'other', '..', 'a.png'), join(folder, 'other')];
    // A path relative to the current folder, wherever that is.
    inputs.push(relative('.', join(folder, 'a.png')));
    const args = ['--save', 'overlay,json,coco,labels', '--output', at('apart')];
    const {code, out, err} = await maskrcnn('predict', at('run', 'last.safetensors'), ...inputs, ...args);
    t.is(code, 0, err);
    t.is(out.match(/objects?\n/g)!.length, 5);
    // In natural order a_labels comes before a, and the labels of a would have the name of a_labels' overlay.
    const stems = ['A-3', 'Images-2', 'a-2', 'a_labels', 'results-2'];
    const names = stems.flatMap((stem) => [`${stem}.json`, `${stem}.png`, `${stem}_labels.png`]);
    t.deepEqual((await readdir(at('apart'))).sort(), [...names, 'images.json', 'results.json'].sort());
    t.is(JSON.parse(readFileSync(at('apart', 'images.json'), 'utf8')).length, 5);
  },
);

test.serial('predict replaces no image that it reads', async (t) => {
  const weights = at('run', 'last.safetensors');
  await mkdir(at('photos'));
  await copyFile(at('data', 'test_1.png'), at('photos', 'a.png'));
  await symlink(at('photos'), at('link'));
  const before = readFileSync(at('photos', 'a.png'));
  for (const output of [at('photos'), at('link'), at('photos', '..', 'photos')]) {
    const {code, err} = await maskrcnn('predict', weights, at('photos'), '--output', output);
    t.is(code, 2);
    t.regex(
      err,
      /^error: Option 'output' .* must be a folder where no image that is read is replaced, got '.*': .*a\.png would be\.\nName/,
    );
  }
  t.deepEqual(await readdir(at('photos')), ['a.png']);
  t.true(before.equals(readFileSync(at('photos', 'a.png'))));
  t.is((await maskrcnn('predict', weights, at('photos'), '--output', at('photos'), '--save', 'json')).code, 0);
  t.deepEqual((await readdir(at('photos'))).sort(), ['a.json', 'a.png']);
});

test.serial('predict refuses inputs that name no image', async (t) => {
  const weights = at('run', 'last.safetensors');
  const none = await maskrcnn('predict', weights, at('data', 'nothing_*.png'));
  t.is(none.code, 2);
  t.regex(none.err, /nothing_\*\.png must be an image, a folder or a pattern\./);
  t.regex(
    (await maskrcnn('predict', weights)).err,
    /takes WEIGHTS and at least one image, got '.*last\.safetensors'\.\nSee/,
  );
});

test.serial('evaluate scores weights, and the results that it wrote to the same numbers', async (t) => {
  const data = ['evaluate', at('data'), '--include', 'test_*', '--classes', 'gland', '--json'];
  const weights = await maskrcnn(...data, '--weights', at('run', 'last.safetensors'), '--output', at('scores'));
  t.is(weights.code, 0, weights.err);
  t.true(existsSync(at('scores', 'worst.png')));
  const results = await maskrcnn(...data, '--results', at('scores', 'results.json'));
  t.is(results.code, 0, results.err);
  const {segm, pixel, objects, counts, scoreThreshold} = JSON.parse(weights.out);
  t.deepEqual(JSON.parse(results.out).segm, segm);
  t.is(pixel.images, 2);
  t.is(scoreThreshold, 0.5);
  t.is(counts.predicted, objects.predicted + objects.dropped);
  t.is(counts.predicted - counts.truth, Math.round(2 * counts.meanError));
  t.is((await maskrcnn(...data)).code, 2);
  for (const [flag, value] of Object.entries({
    output: 'x',
    views: '2',
    'score-threshold': '0',
    device: 'cpu',
    precision: 'float32',
  })) {
    const refused = await maskrcnn(...data, '--results', at('scores', 'results.json'), `--${flag}`, value);
    t.is(refused.code, 2);
    t.true(refused.err.startsWith(`error: maskrcnn evaluate --results takes no --${flag}.\n`), refused.err);
  }
});

test.serial('predict and evaluate look at an image in as many ways as they are told', async (t) => {
  const weights = at('run', 'last.safetensors');
  const scoresIn = async (views: string) => {
    const args = ['predict', weights, at('data', 'test_1.png'), '--save', 'json', '--output', at(`views-${views}`)];
    t.is((await maskrcnn(...args, '--views', views, '--score-threshold', '0')).code, 0);
    const {objects} = JSON.parse(readFileSync(at(`views-${views}`, 'test_1.json'), 'utf8'));
    return objects.map(({score}: {score: number}) => score);
  };
  t.notDeepEqual(await scoresIn('4'), await scoresIn('1'));
  const data = ['evaluate', at('data'), '--include', 'test_1.png', '--classes', 'gland', '--weights', weights];
  const evaluated = await maskrcnn(...data, '--views', '4', '--output', at('views-scores'));
  t.is(evaluated.code, 0, evaluated.err);
  t.regex(evaluated.out, /\nobjects per image +true +detected +bias abs\. error\ngland /);
  t.regex(evaluated.out, /scores are of the detections above the score 0\.5\./);
  const results = JSON.parse(readFileSync(at('views-scores', 'results.json'), 'utf8'));
  t.deepEqual(
    results.map(({score}: {score: number}) => score),
    await scoresIn('4'),
  );
  const refused = await maskrcnn(...data, '--views', '3');
  t.is(refused.code, 2);
  t.regex(refused.err, /'views' of maskrcnn evaluate must be one of 1, 2, 4, got 3/);
});

test.serial('convert keeps names, shapes and values, and refuses other endings', async (t) => {
  const {code, out} = await maskrcnn('convert', at('run', 'best.safetensors'), at('best.pth'));
  t.is(code, 0);
  t.regex(out, /best\.pth: \d+ tensors\.\n$/);
  t.is((await maskrcnn('convert', at('best.pth'), at('again.safetensors'))).code, 0);
  t.true(readFileSync(at('run', 'best.safetensors')).equals(readFileSync(at('again.safetensors'))));
  t.is((await readWeights(at('best.pth'))).format, 'pth-zip');
  t.like(await maskrcnn('convert', at('best.pth'), at('best.onnx')), {
    code: 2,
    err: `error: A model is saved as .safetensors, .pth or .pt, got '${at('best.onnx')}'.\n`,
  });
});

test.serial('a data set that is not there is told by its path', async (t) => {
  for (const command of ['inspect', 'train', 'evaluate']) {
    const weights = command === 'evaluate' ? ['--weights', 'x'] : [];
    const {code, err} = await maskrcnn(command, at('nowhere'), ...weights);
    t.is(code, 1);
    t.is(err, `error: ${at('nowhere')} must be a data set, and there is nothing.\n`);
    t.is((await maskrcnn(command, ...weights)).code, 2);
  }
  t.is((await MaskFolder.open(at('data'), {classes: ['gland']})).length, 8);
});
