import {readFileSync, writeFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import test from 'ava';
import {readCommandFile, writeCommandFile} from '../../lib/cli/command-file.js';
import {temporaryFolder} from '../libtorch/fake-wheel.js';

test('paths are kept whole, and what is none as it is', async (t) => {
  const run = temporaryFolder(t);
  await writeCommandFile(run, {
    data: {path: 'a.json', images: 'train', faulty: 'skip'},
    validation: {path: 'b.json'},
    images: 'val',
    imageFolder: 'in-the-data-set',
    output: 'runs/x',
    weights: 'start.pth',
    weightsBackbone: 'IMAGENET1K_V1',
    classes: ['cell'],
    epochs: 3,
    ema: {decay: 0.9},
  });
  const expected = {
    data: {path: resolve('a.json'), images: resolve('train'), faulty: 'skip'},
    validation: {path: resolve('b.json')},
    images: resolve('val'),
    imageFolder: 'in-the-data-set',
    output: resolve('runs/x'),
    weights: resolve('start.pth'),
    weightsBackbone: 'IMAGENET1K_V1',
    classes: ['cell'],
    epochs: 3,
    ema: {decay: 0.9},
  };
  t.deepEqual(JSON.parse(readFileSync(join(run, 'command.json'), 'utf8')), expected);
  t.deepEqual(await readCommandFile(run), expected);
  await writeCommandFile(run, {data: 'cells', validation: 0.2, weights: 'COCO_V1'});
  t.deepEqual(await readCommandFile(run), {data: resolve('cells'), validation: 0.2, weights: 'COCO_V1'});
});

test('a run of another program has nothing', async (t) => {
  t.deepEqual(await readCommandFile(temporaryFolder(t)), {});
});

test('a damaged file is told with its name, and an option that is none as that', async (t) => {
  const run = temporaryFolder(t);
  const file = join(run, 'command.json');
  await writeCommandFile(run, {data: 'cells', classes: ['cell'], epochs: 3});
  const whole = readFileSync(file, 'utf8');
  for (const damaged of ['', ' \n', whole.slice(0, -3), whole.slice(0, 20), '[]', 'null']) {
    writeFileSync(file, damaged);
    const message =
      /command\.json is damaged, and must be a JSON object: .*\nPut back a copy of it, or remove it and give/;
    t.like(await t.throwsAsync(readCommandFile(run), {code: 'INVALID_DATASET', message}), {file});
  }
  writeFileSync(file, '{"epoch": 3}');
  await t.throwsAsync(readCommandFile(run), {code: 'INVALID_OPTION', message: /command\.json has no option 'epoch'/});
});
