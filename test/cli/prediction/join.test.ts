import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {cp, mkdir, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {FORMATS} from '../../../lib/cli/prediction/output-files.js';
import {maskRcnn} from '../../../lib/index.js';
import {writeBlobImages} from '../../blob-images.js';
import {temporaryFolder} from '../../examples/run-example.js';
import {writeTiff} from '../../image/tiff-writer.js';
import {nodeArguments} from '../../program.js';
import {tinyModel} from '../../tiny.js';
import {maskrcnn} from '../maskrcnn.js';

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);

const IMAGES = 11;

test.before(async () => {
  folder = await temporaryFolder();
  await writeBlobImages(at('drawn'), IMAGES - 2);
  for (const name of await readdir(at('drawn'))) if (name.endsWith('_mask.png')) await rm(at('drawn', name));
  // Another image of the same name, and one with another number of channels.
  await cp(at('drawn', 'blob_3.png'), at('drawn', 'more', 'blob_0.png'));
  const grey = Uint16Array.from({length: 64 * 64}, (_, i) => (i * 37) % 4096);
  await writeFile(at('drawn', 'blob_0.tif'), writeTiff([{width: 64, height: 64, data: grey}]));
  await using model = await maskRcnn(tinyModel);
  await model.save(at('tiny.safetensors'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const predicting = (output: string, ...more: string[]) => [
  ...['predict', at('tiny.safetensors'), at('drawn'), '--recursive', '--score-threshold', '0'],
  ...['--output', at(output), ...more],
];
const predict = (output: string, ...more: string[]) => maskrcnn(...predicting(output, ...more));

/** All files in a folder, by their digests. */
async function contents(output: string): Promise<Record<string, string>> {
  const entries = await readdir(at(output), {recursive: true, withFileTypes: true});
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = files.map(async (file) => {
    const digest = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
    return [file.slice(at(output).length + 1), digest] as const;
  });
  return Object.fromEntries((await Promise.all(pairs)).sort());
}

/** Kills a prediction as soon as it has told of its first image. */
async function killEarly(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [...nodeArguments('lib/cli/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  child.stdout.once('data', () => child.kill('SIGKILL'));
  await new Promise((done) => child.once('close', done));
}

test.serial('three parts, one of which was killed and resumed, are joined to what one run writes', async (t) => {
  const everything = ['--save', FORMATS.join(','), '--views', '4', '--microns-per-pixel', '0.5'];
  const whole = await predict('whole', ...everything);
  t.is(whole.code, 0, whole.err);
  for (const shard of ['1/3', '3/3']) t.is((await predict('parts', ...everything, '--shard', shard)).code, 0);

  const second = [...everything, '--shard', '2/3'];
  await killEarly(predicting('parts', ...second));
  const early = await maskrcnn('join', at('parts'));
  t.is(early.code, 2);
  t.regex(early.err, /^error: All 3 parts in .*parts must be finished: part 2 has [123] of its 4 images\./m);
  t.regex(early.err, /--shard K\/3 --resume/);

  const again = await predict('parts', ...second);
  t.is(again.code, 2);
  t.regex(again.err, /part-2-of-3 has what an earlier prediction found\.\nGo on with --resume, or begin anew/);
  const resumed = await predict('parts', ...second, '--resume');
  t.is(resumed.code, 0, resumed.err);
  const [, done] = /^Going on: (\d) of 4 images were done before\.$/m.exec(resumed.err)!;
  t.is(resumed.out.match(/: \d+ objects/g)?.length, 4 - Number(done));

  const joined = await maskrcnn('join', at('parts'));
  t.is(joined.code, 0, joined.err);
  t.is(joined.out, `Joined 3 parts of ${IMAGES} images. Everything is in ${at('parts')}.\n`);
  t.deepEqual(await contents('parts'), await contents('whole'));
  t.true((await readdir(at('parts'))).every((name) => !name.startsWith('part-')));
});

test.serial('parts of images that are read region by region', async (t) => {
  const tiles = ['--tiles', '48', '--level', '0', '--save', 'overlay,json,coco,csv,geojson'];
  t.is((await predict('tiled', ...tiles)).code, 0);
  for (const shard of ['1/2', '2/2']) t.is((await predict('tiled-parts', ...tiles, '--shard', shard)).code, 0);
  const {code, err} = await maskrcnn('join', at('tiled-parts'));
  t.is(code, 0, err);
  t.deepEqual(await contents('tiled-parts'), await contents('tiled'));
});

test.serial('what does not fit together is named', async (t) => {
  const refused = async (message: RegExp) => {
    const {code, err} = await maskrcnn('join', at('faulty'));
    t.is(code, 2);
    t.regex(err, message);
  };
  await mkdir(at('faulty'));
  await refused(/faulty must hold parts of a prediction, such as part-1-of-2\./);
  const part = (shard: string, ...more: string[]) => predict('faulty', '--save', 'json', '--shard', shard, ...more);
  await part('1/3');
  await refused(/All 3 parts in .*faulty must be finished: part 2 is missing; part 3 is missing\./);
  await part('2/3', '--max-detections', '1');
  await part('3/3');
  await refused(/made alike, but part 2 has another --max-detections than part 1: 1, not none\./);
  t.is((await part('2/3', '--resume')).code, 2);
  await part('2/3', '--overwrite');
  await part('1/2');
  await refused(/must be of one division, and there are parts of 2 and of 3\./);
  await rm(at('faulty', 'part-1-of-2'), {recursive: true});

  await cp(at('tiny.safetensors'), at('first.safetensors'));
  await using model = await maskRcnn({...tinyModel, seed: 8});
  await model.save(at('tiny.safetensors'));
  await part('2/3', '--overwrite');
  await refused(/part 2 has another file of weights than part 1: SHA-256 \w{64}, not SHA-256 \w{64}\./);
  await cp(at('first.safetensors'), at('tiny.safetensors'));
});

test.serial('an image that cannot be read is told, and read again by --resume once it is mended', async (t) => {
  const image = at('drawn', 'blob_4.png');
  await cp(image, at('kept.png'));
  await writeFile(image, 'no image');
  const parts = (...more: string[]) =>
    Promise.all(['1/2', '2/2'].map((shard) => predict('mended', '--save', 'json,csv', '--shard', shard, ...more)));
  t.deepEqual((await parts()).map(({code}) => code).sort(), [0, 1]);
  const joined = await maskrcnn('join', at('mended'));
  t.is(joined.code, 1);
  t.regex(joined.err, /^error: .*blob_4\.png.*\n(.*\n)*error: 1 image of 11 failed\./m);
  t.is(joined.out, `The results of 10 of 11 images are in ${at('mended')}.\n`);

  await cp(at('kept.png'), image);
  t.deepEqual(
    (await parts('--resume')).map(({code}) => code),
    [0, 0],
  );
  t.is((await maskrcnn('join', at('mended'))).code, 0);
  await predict('never-broken', '--save', 'json,csv');
  t.deepEqual(await contents('mended'), await contents('never-broken'));
});

test.serial('an image that is in some files of all images, but not in all, ends the command', async (t) => {
  const args = ['--save', 'csv,coco,labelme,geojson,yolo', '--shard', '1/1'];
  t.is((await predict('damaged', ...args)).code, 0);
  const part = at('damaged', 'part-1-of-1');
  const results = await readdir(part);
  t.true(results.includes('results.json') && results.includes('objects.csv'));
  for (const name of ['results.json', 'images.json', 'objects.csv']) await rm(join(part, name));

  // The run lengths of the first object are cut off.
  const journal = join(part, 'part.jsonl');
  const text = await readFile(journal, 'utf8');
  const damaged = text.replace(/"masks":\["[^"]+"/, '"masks":["0"');
  t.not(damaged, text);
  await writeFile(journal, damaged);
  const {code, err} = await predict('damaged', ...args, '--resume');
  t.is(code, 1);
  // No other image is told or kept as failed.
  t.is(err.match(/^error: /gm)?.length, 1, err);
  t.regex(err, /error: The mask of object \d+ of .*blob_0\.png is invalid\./);
  t.is(await readFile(journal, 'utf8'), damaged);
  const left = await readdir(part);
  for (const name of ['results.json', 'images.json', 'objects.csv']) t.false(left.includes(name), name);
});
