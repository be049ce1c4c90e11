import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {runCli} from '../../../lib/cli/run.js';
import {type DetectionsJson, doubt, maskRcnn, openDataset} from '../../../lib/index.js';
import {temporaryFolder} from '../../examples/run-example.js';
import {recordedProgress} from '../../libtorch/fake-wheel.js';
import {blobSample, tinyModel} from '../../tiny.js';

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);
const names = [0, 1, 2, 3].map((i) => `blob_${i}`);
let doubts: Map<string, number>;

test.before(async () => {
  folder = await temporaryFolder();
  await mkdir(at('scans'));
  await using model = await maskRcnn(tinyModel);
  await model.save(at('tiny.safetensors'));
  doubts = new Map();
  for (const [i, name] of names.entries()) {
    const {data, width, height} = blobSample(i).image as {data: Uint8Array; width: number; height: number};
    await sharp(data, {raw: {width, height, channels: 3}}).toFile(at('scans', `${name}.png`));
    doubts.set(name, await doubt(model, at('scans', `${name}.png`)));
  }
  await writeFile(at('scans', 'broken.png'), 'no image');
});

async function maskrcnn(...args: string[]) {
  const {progress, text} = recordedProgress();
  let out = '';
  const all = ['predict', at('tiny.safetensors'), at('scans'), '--score-threshold', '0', ...args];
  const code = await runCli(all, {out: (line) => (out += `${line}\n`), progress}, new AbortController().signal);
  return {code, out, err: text()};
}

const read = async (...path: string[]) => readFile(at('out', ...path), 'utf8');

test('the most doubtful image comes first in all files of several images, and its doubt is told', async (t) => {
  t.is(new Set(doubts.values()).size, names.length, 'the images differ in doubt');
  const expected = names.toSorted((a, b) => doubts.get(b)! - doubts.get(a)!);
  t.notDeepEqual(expected, names, 'the order is another one than by name');
  const formats = 'json,coco,csv,label-studio,coco-dataset';
  const {code, out, err} = await maskrcnn('--order', 'doubt', '--save', formats, '--output', at('out'));
  t.is(code, 1, err);
  t.regex(err, /broken\.png/);
  const stem = (path: string) => path.replace(/^.*[\\/=]|\.png$/g, '');

  const images = JSON.parse(await read('images.json')) as {file_name: string; doubt: number}[];
  t.deepEqual(
    images.map(({file_name, doubt: own}) => [stem(file_name), own]),
    expected.map((name) => [name, doubts.get(name)]),
  );
  const [header, ...rows] = (await read('doubt.csv')).trimEnd().split('\r\n');
  t.is(header, 'image,doubt');
  t.deepEqual(
    rows.map((row) => row.split(',')).map(([image, own]) => [stem(image!), Number(own)]),
    expected.map((name) => [name, doubts.get(name)]),
  );
  const counts = (await read('counts.csv')).trimEnd().split('\r\n').slice(1);
  t.deepEqual(
    counts.map((row) => stem(row.split(',')[0]!)),
    expected,
  );
  const tasks = JSON.parse(await read('label-studio', 'tasks.json')) as {data: {image: string; doubt: number}}[];
  t.deepEqual(
    tasks.map(({data}) => [stem(data.image), data.doubt]),
    expected.map((name) => [name, doubts.get(name)]),
  );
  t.is(tasks[0]!.data.image, `/data/local-files/?d=scans/${expected[0]}.png`);
  const coco = JSON.parse(await read('coco-dataset', 'annotations.json')) as {images: {file_name: string}[]};
  t.deepEqual(
    coco.images.map(({file_name}) => stem(file_name)),
    expected,
  );
  for (const name of names) {
    t.is((JSON.parse(await read(`${name}.json`)) as DetectionsJson).doubt, doubts.get(name));
    t.regex(out, new RegExp(`${name}\\.png: .*; doubt ${doubts.get(name)!.toFixed(3)}`));
  }
  // What is read of the tasks is images and objects alone.
  const data = await openDataset(at('out', 'label-studio'), {images: at('scans')});
  t.is(data.length, names.length);
});

test('without --order there is no doubt, and tiles have none', async (t) => {
  const {code, out} = await maskrcnn('--save', 'json', '--output', at('plain'));
  t.is(code, 1);
  t.notRegex(out, /doubt/);
  t.false('doubt' in JSON.parse(await readFile(at('plain', 'blob_0.json'), 'utf8')));
  await t.throwsAsync(readFile(at('plain', 'doubt.csv')));
  const tiled = await maskrcnn('--order', 'doubt', '--tiles', '48', '--output', at('tiled'));
  t.is(tiled.code, 2);
  t.regex(tiled.err, /maskrcnn predict with --tiles takes no --order/);
  const wrong = await maskrcnn('--order', 'name');
  t.regex(wrong.err, /'order'|--order/);
});
