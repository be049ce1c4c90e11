import {mkdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {runCli} from '../../../lib/cli/run.js';
import {type DetectionsJson, decodeRle, maskRcnn, rleAreas} from '../../../lib/index.js';
import {temporaryFolder} from '../../examples/run-example.js';
import {recordedProgress} from '../../libtorch/fake-wheel.js';
import {gridSample, tinyModel} from '../../tiny.js';

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);

test.before(async () => {
  folder = await temporaryFolder();
  await mkdir(at('scans'));
  const {data, width, height} = gridSample(36).image as {data: Uint8Array; width: number; height: number};
  await sharp(data, {raw: {width, height, channels: 3}}).toFile(at('scans', 'grid.png'));
  await using model = await maskRcnn(tinyModel);
  await model.save(at('tiny.safetensors'));
  await using boxes = await maskRcnn({...tinyModel, masks: 'none'});
  await boxes.save(at('boxes.safetensors'));
});

async function maskrcnn(weights: string, ...args: string[]) {
  const {progress, text} = recordedProgress();
  let out = '';
  const all = ['predict', at(weights), at('scans', 'grid.png'), '--score-threshold', '0', ...args];
  const code = await runCli(all, {out: (line) => (out += `${line}\n`), progress}, new AbortController().signal);
  return {code, out, err: text()};
}

const read = async (output: string): Promise<DetectionsJson> =>
  JSON.parse(await readFile(at(output, 'grid.json'), 'utf8'));

test('one tile gives what predict gives without tiles', async (t) => {
  const whole = await maskrcnn('tiny.safetensors', '--save', 'json', '--output', at('whole'));
  t.is(whole.code, 0, whole.err);
  const tiled = await maskrcnn('tiny.safetensors', '--save', 'json', '--tiles', '96', '--output', at('one'));
  t.is(tiled.code, 0, tiled.err);
  const {objects, ...rest} = await read('whole');
  const areas = await rleAreas(objects.map(({mask}) => mask!));
  const visible = objects.filter((_, index) => areas[index]! > 0).map((object, index) => ({...object, id: index + 1}));
  t.true(visible.length > 0);
  t.deepEqual(await read('one'), {...rest, objects: visible});
});

test('the objects of several tiles are written as masks of the whole image', async (t) => {
  const args = ['--tiles', '48', '--overlap', '16', '--save', 'json,labels,csv,coco,overlay', '--output', at('many')];
  const {code, out, err} = await maskrcnn('tiny.safetensors', ...args);
  t.is(code, 0, err);
  const {width, height, objects} = await read('many');
  t.deepEqual([width, height], [96, 96]);
  t.regex(out, new RegExp(`grid.png: ${objects.length} object`));
  // One tile gives at most 10 detections.
  t.true(objects.length > 10);
  for (const {mask, box} of objects) {
    t.deepEqual(mask!.size, [96, 96]);
    for (const [i, pixel] of decodeRle(mask!).entries()) {
      if (pixel === 0) continue;
      const [x, y] = [i % 96, Math.floor(i / 96)];
      // The mask may reach beyond the box by a cell of the network's mask.
      const cell = Math.max(box[2]! - box[0]!, box[3]! - box[1]!) / 28 + 1;
      t.true(x >= box[0]! - cell && x < box[2]! + cell && y >= box[1]! - cell && y < box[3]! + cell);
    }
  }
});

test('wrong options are refused', async (t) => {
  const refused = async (message: RegExp, weights: string, ...args: string[]) => {
    const {code, err} = await maskrcnn(weights, ...args, '--output', at('refused'));
    t.not(code, 0);
    t.regex(err, message);
  };
  await refused(/maskrcnn predict without --tiles takes no --overlap/, 'tiny.safetensors', '--overlap', '8');
  await refused(/--overlap of maskrcnn predict must be at most half/, 'tiny.safetensors', '--tiles=48', '--overlap=25');
  await refused(/--tiles of maskrcnn predict must be an integer >= 16/, 'tiny.safetensors', '--tiles', '15');
  await refused(
    /--tiles of maskrcnn predict needs a network with masks/,
    'boxes.safetensors',
    '--tiles',
    '48',
    '--save',
    'json',
  );
});
