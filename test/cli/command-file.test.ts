import {readFileSync} from 'node:fs';
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
