import {existsSync} from 'node:fs';
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import sharp from 'sharp';
import {runCli} from '../../lib/cli/run.js';
import {folderOf} from '../datasets/annotated/folders.js';
import {recordedProgress} from '../libtorch/fake-wheel.js';
import {blobSample, tinyModel} from '../tiny.js';

async function maskrcnn(...args: string[]) {
  const {progress, text} = recordedProgress();
  let out = '';
  const code = await runCli(args, {out: (line) => (out += `${line}\n`), progress}, new AbortController().signal);
  return {code, out, err: text()};
}

/** A data set of YOLO with box rows, as most of Roboflow's exports are. */
async function yoloBoxes(t: ExecutionContext): Promise<string> {
  const folder = await folderOf(t, {'data.yaml': 'names: [blob]\ntrain: train/images\nval: valid/images\n'});
  for (let i = 0; i < 6; i++) {
    const {image, instances} = blobSample(i);
    const {width, height} = image;
    const split = i < 4 ? 'train' : 'valid';
    const rows = instances.map(({box: [x0, y0, x1, y1]}) =>
      [0, (x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height].join(' '),
    );
    for (const part of ['images', 'labels']) await mkdir(join(folder, split, part), {recursive: true});
    await writeFile(join(folder, split, 'labels', `${i}.txt`), rows.join('\n'));
    await sharp(image.data, {raw: {width, height, channels: 3}}).toFile(join(folder, split, 'images', `${i}.png`));
  }
  return folder;
}

test('a data set of boxes is inspected, trained on, evaluated and predicted without masks', async (t) => {
  const data = await yoloBoxes(t);
  const inspected = await maskrcnn('inspect', data, '--split', 'train');
  t.regex(inspected.out, /Of 7 instances only the box is known\./);

  const {classes: _, ...model} = tinyModel;
  const config = join(data, 'tiny.yaml');
  await writeFile(config, JSON.stringify({...model, epochs: 1}));
  const run = join(data, 'run');
  const trained = await maskrcnn('train', data, '--config', config, '--output', run);
  t.is(trained.code, 0, trained.err);
  t.regex(trained.err, /No object has a mask, so the network predicts boxes alone \(--masks none/);
  const weights = join(run, 'best.safetensors');

  const scored = await maskrcnn(
    'evaluate',
    data,
    '--weights',
    weights,
    '--split',
    'val',
    '--output',
    join(data, 'scores'),
  );
  t.is(scored.code, 0, scored.err);
  t.regex(scored.out, /^boxes /m);
  t.notRegex(scored.out, /^masks /m);
  t.true(existsSync(join(data, 'scores', 'precision-recall.svg')));

  const image = join(data, 'train', 'images', '1.png');
  const predict = (...save: string[]) =>
    maskrcnn('predict', weights, image, '--output', join(data, 'found'), '--score-threshold', '0', '--save', ...save);
  t.like(await predict('overlay,json,coco'), {code: 0});
  const {objects} = JSON.parse(await readFile(join(data, 'found', '1.json'), 'utf8'));
  t.true(objects.length > 0 && objects.every((object: object) => 'box' in object && !('mask' in object)));
  const refused = await predict('labels,json');
  t.is(refused.code, 2);
  t.regex(refused.err, /--save .* of overlay, json, coco, cvat, .* for a network without masks, got labels/);
});
