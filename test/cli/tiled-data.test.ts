import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {runCli} from '../../lib/cli/run.js';
import {maskRcnn} from '../../lib/index.js';
import {writeBlobImages} from '../blob-images.js';
import {temporaryFolder} from '../examples/run-example.js';
import {recordedProgress} from '../libtorch/fake-wheel.js';
import {tinyModel} from '../tiny.js';

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);

test.before(async () => {
  folder = await temporaryFolder();
  await writeBlobImages(at('blobs'), 5);
  await using model = await maskRcnn(tinyModel);
  await model.save(at('tiny.safetensors'));
});

async function maskrcnn(...args: string[]) {
  const {progress, text} = recordedProgress();
  let out = '';
  const code = await runCli(args, {out: (line) => (out += `${line}\n`), progress}, new AbortController().signal);
  return {code, out, err: text()};
}

const data = () => [at('blobs'), '--classes', 'blob'];

test.serial('train --tiles trains on tiles, and --resume needs nothing said twice', async (t) => {
  const cut = ['--tiles', '32', '--overlap', '8', '--empty-share', '0.5', '--seed', '4'];
  const how = ['--weights', at('tiny.safetensors'), '--epochs', '1', '--batch-size', '8', '--output', at('run')];
  const first = await maskrcnn('train', ...data(), ...cut, ...how);
  t.is(first.code, 0, first.err);
  t.regex(first.err, /training: 4 images: \d+ tiles of 32 × 32 pixels/);
  t.regex(first.err, /validation: 1 image: 9 tiles of 32 × 32 pixels/);
  t.regex(first.out, /tiles? without objects were left out \(--empty-share 0\.5\)/);
  const kept = JSON.parse(await readFile(at('run', 'command.json'), 'utf8'));
  t.like(kept, {tiles: 32, overlap: 8, emptyShare: 0.5});
  const more = await maskrcnn('train', '--resume', '--output', at('run'));
  t.is(more.code, 0, more.err);
  t.regex(more.err, /training: 4 images: \d+ tiles of 32 × 32 pixels/);
  const other = await maskrcnn('train', '--resume', '--output', at('run'), '--overlap', '4');
  t.not(other.code, 0);
  t.regex(other.err, /DATA of a resumed run must have/);
  const report = await maskrcnn('report', at('run'));
  t.is(report.code, 0, report.err);
});

test('inspect --tiles counts tiles', async (t) => {
  const {code, out, err} = await maskrcnn('inspect', ...data(), '--tiles', '32', '--overlap', '0', '--json');
  t.is(code, 0, err);
  const {images, width, faults} = JSON.parse(out);
  t.deepEqual(faults, []);
  t.is(width.max, 32);
  t.true(images > 5);
});

test('evaluate --tiles scores tiles', async (t) => {
  const weights = ['--weights', at('tiny.safetensors'), '--output', at('scores'), '--json'];
  const {code, out, err} = await maskrcnn('evaluate', ...data(), ...weights, '--tiles', '32', '--overlap', '0');
  t.is(code, 0, err);
  t.true(JSON.parse(out).bbox !== null);
  t.regex(await readFile(at('scores', 'images.csv'), 'utf8'), /blob_0\.png#xywh=0,0,32,32/);
});

test('options of tiles are refused without --tiles, and where they do not fit', async (t) => {
  for (const command of ['train', 'inspect', 'evaluate']) {
    const weights = command === 'evaluate' ? ['--weights', at('tiny.safetensors')] : [];
    const {code, err} = await maskrcnn(command, ...data(), ...weights, '--min-visible', '0.5');
    t.is(code, 2);
    t.regex(err, new RegExp(`maskrcnn ${command} without --tiles takes no --min-visible`));
  }
  const {err} = await maskrcnn('inspect', ...data(), '--tiles', '32', '--overlap', '32');
  t.regex(err, /--overlap.* must be below the size of the tiles, 32, got 32/);
});

test('inspect --seed picks the tiles that --empty-share keeps, and is refused without it', async (t) => {
  const cut = ['--tiles', '16', '--overlap', '0', '--json'];
  const filesOf = async (...flags: string[]) => {
    const {code, out, err} = await maskrcnn('inspect', ...data(), ...cut, ...flags);
    t.is(code, 0, err);
    return out;
  };
  const [zero, byDefault, one] = [
    await filesOf('--empty-share', '0.3', '--seed', '0'),
    await filesOf('--empty-share', '0.3'),
    await filesOf('--empty-share', '0.3', '--seed', '1'),
  ];
  t.is(zero, byDefault);
  t.is(JSON.parse(zero).images, JSON.parse(one).images);
  t.not(zero, one);
  const {code, err} = await maskrcnn('inspect', ...data(), ...cut, '--seed', '1');
  t.not(code, 0);
  t.regex(err, /--seed/);
});
