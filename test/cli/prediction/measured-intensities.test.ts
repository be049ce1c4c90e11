import {existsSync, readFileSync} from 'node:fs';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {runCli} from '../../../lib/cli/run.js';
import {readImage} from '../../../lib/image/read-image.js';
import {decodeRle, maskRcnn} from '../../../lib/index.js';
import {readFixture} from '../../image/pixel-fixture.js';
import {writePng} from '../../image/png-writer.js';
import {writeTiff} from '../../image/tiff-writer.js';
import {recordedProgress, temporaryFolder} from '../../libtorch/fake-wheel.js';
import {tinyModel} from '../../tiny.js';

const [width, height] = [40, 30];
const size = {width, height};

type Value = (x: number, y: number, channel: number) => number;

/** The numbers of an image, row-major with the channels side by side. */
function numbers(value: Value, channels = 1): number[] {
  return Array.from({length: width * height * channels}, (_, i) => {
    const pixel = Math.floor(i / channels);
    return value(pixel % width, Math.floor(pixel / width), i % channels);
  });
}

async function maskrcnn(...args: string[]) {
  const {progress, text} = recordedProgress();
  const code = await runCli(args, {out: () => {}, progress}, new AbortController().signal);
  return {code, err: text()};
}

type Image = {file: string; bytes: Uint8Array; channels: number; value: Value};

const grey: Value = (x, y) => (5 * x + 3 * y) % 256;
const rgb: Value = (x, y, c) => (7 * x + 11 * y + 50 * c) % 256;
const signed: Value = (x, y) => 300 * x - 500 * y;
const floats: Value = (x, y) => x * 2.5 - y * 1.25;
const five: Value = (x, y, c) => 9000 * c + 40 * x + y;
const second: Value = (x, y) => 4000 - 10 * x - y;

const mixed: Image[] = [
  {file: 'a.png', bytes: writePng({...size, bits: 8, value: grey}), channels: 1, value: grey},
  {file: 'b.png', bytes: writePng({...size, bits: 8, kind: 'rgb', value: rgb}), channels: 3, value: rgb},
  {file: 'c.tif', bytes: writeTiff({...size, data: Int16Array.from(numbers(signed))}), channels: 1, value: signed},
  {file: 'd.tif', bytes: writeTiff({...size, data: Float32Array.from(numbers(floats))}), channels: 1, value: floats},
  {
    file: 'e.tif',
    bytes: writeTiff({...size, data: Uint16Array.from(numbers(five, 5)), samples: 5}),
    channels: 5,
    value: five,
  },
];

const stack: Image = {
  file: 'stack.tif',
  bytes: writeTiff([grey, second].map((value) => ({...size, data: Uint16Array.from(numbers(value))}))),
  channels: 1,
  value: second,
};

for (const {what, images, flags, channels, microns} of [
  {what: 'one to five channels', images: mixed, flags: ['--range', 'percentile'], channels: 5, microns: true},
  {what: 'RGB as it is, and grey', images: mixed.slice(0, 2), flags: [], channels: 3, microns: false},
  {
    what: 'a page, not its levels',
    images: [stack],
    flags: ['--page', '1', '--range', '0,100', '--channels', '0,0,0'],
    channels: 1,
    microns: false,
  },
]) {
  test(`predict measures the numbers that files store: ${what}`, async (t) => {
    const folder = temporaryFolder(t);
    await using model = await maskRcnn(tinyModel);
    const weights = join(folder, 'tiny.safetensors');
    await model.save(weights);
    for (const {file, bytes} of images) await writeFile(join(folder, file), bytes);
    const files = images.map(({file}) => join(folder, file));
    const output = join(folder, 'found');
    const {code, err} = await maskrcnn(
      ...['predict', weights, ...files, '--save', 'csv,json', '--score-threshold', '0', '--output', output],
      ...[...flags, ...(microns ? ['--microns-per-pixel', '0.5'] : [])],
    );
    t.is(code, 0, err);

    const csv = readFileSync(join(output, 'objects.csv'), 'utf8');
    const [header, ...rows] = csv.split('\r\n').map((line) => line.split(','));
    const names = (of: string) => Array.from({length: channels}, (_, channel) => `intensity_${of}-${channel}`);
    const expected = [...names('mean'), ...names('std'), ...names('min'), ...names('max')];
    t.deepEqual(
      header!.filter((name) => name.startsWith('intensity')),
      expected,
    );
    t.is(header!.at(-1), microns ? 'equivalent_diameter_area_um' : expected.at(-1));
    for (const image of images) {
      const stem = image.file.replace(/\..*/, '');
      const {objects} = JSON.parse(readFileSync(join(output, `${stem}.json`), 'utf8'));
      const all = numbers(image.value, image.channels);
      let measured = 0;
      for (const {id, score, mask} of objects) {
        const row = rows.shift()!;
        const cell = (name: string) => row[header!.indexOf(name)];
        t.is(row.length, header!.length);
        t.deepEqual([row[0], cell('id'), cell('score')], [join(folder, image.file), `${id}`, `${score}`]);
        const pixels = [...decodeRle(mask).entries()].filter(([, inside]) => inside > 0).map(([at]) => at);
        if (microns) t.is(Number(cell('area_um2')), pixels.length / 4);
        for (let channel = 0; channel < channels; channel++) {
          const inside = pixels.map((at) => all[at * image.channels + channel]!);
          if (channel >= image.channels || pixels.length === 0) {
            for (const of of ['mean', 'std', 'min', 'max']) t.is(cell(`intensity_${of}-${channel}`), '');
            continue;
          }
          const mean = inside.reduce((sum, value) => sum + value) / inside.length;
          const std = Math.sqrt(inside.reduce((sum, value) => sum + (value - mean) ** 2, 0) / inside.length);
          t.is(Number(cell(`intensity_min-${channel}`)), Math.min(...inside));
          t.is(Number(cell(`intensity_max-${channel}`)), Math.max(...inside));
          t.true(Math.abs(Number(cell(`intensity_mean-${channel}`)) - mean) < 1e-6);
          t.true(Math.abs(Number(cell(`intensity_std-${channel}`)) - std) < 1e-6);
          measured++;
        }
      }
      t.true(measured > 0, image.file);
    }
    t.deepEqual(rows, [['']]);
  });
}

test('an image with a damaged channel that the network does not see is skipped, and leaves no trace', async (t) => {
  const folder = temporaryFolder(t);
  await using model = await maskRcnn(tinyModel);
  const weights = join(folder, 'tiny.safetensors');
  await model.save(weights);
  const planar = readFixture().files.find((each) => each.name === 'uint8, 5 channels, planar')!.file;
  const damaged = planar.slice().fill(0xff, -12); // the end of the last channel
  await readImage(damaged);
  const files = [join(folder, 'damaged.tif'), join(folder, 'whole.tif')] as const;
  await writeFile(files[0], damaged);
  await writeFile(files[1], planar);
  const output = join(folder, 'found');
  const {code, err} = await maskrcnn(
    ...['predict', weights, ...files, '--save', 'csv,json,coco', '--score-threshold', '0', '--output', output],
  );
  t.is(code, 1);
  t.regex(err, /error: .*damaged\.tif is not a readable TIFF image/);
  const {objects} = JSON.parse(readFileSync(join(output, 'whole.json'), 'utf8'));
  const lines = readFileSync(join(output, 'objects.csv'), 'utf8').trimEnd().split('\r\n');
  t.is(lines.length, 1 + objects.length);
  t.true(lines.slice(1).every((line) => line.startsWith(`${files[1]},`)));
  const results = JSON.parse(readFileSync(join(output, 'results.json'), 'utf8'));
  t.is(results.length, objects.length);
  t.false(existsSync(join(output, 'damaged.json')));
});
