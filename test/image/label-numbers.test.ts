import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {readMask} from '../../lib/image/read-mask.js';
import {type TiffPageSpec, writeTiff} from './tiff-writer.js';

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-numbers-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

let files = 0;
async function write(data: TiffPageSpec['data'], bigEndian: boolean, more: Partial<TiffPageSpec> = {}) {
  const path = join(folder, `mask-${files++}.tif`);
  await writeFile(path, writeTiff({width: data.length, height: 1, data, ...more}, {bigEndian}));
  return path;
}

const whole: TiffPageSpec['data'][] = [
  Int8Array.from([0, 1, 127]),
  Int16Array.from([0, 1, 255, 32767]),
  Int32Array.from([0, 70_000, 2 ** 31 - 1]),
  Uint32Array.from([0, 70_000, 2 ** 32 - 1]),
  Float32Array.from([0, 1, 255, 70_000, 2 ** 24]),
];

for (const data of whole) {
  test(`whole numbers of ${data.constructor.name} are labels, in both byte orders`, async (t) => {
    for (const bigEndian of [false, true]) {
      const mask = await readMask(await write(data, bigEndian));
      t.deepEqual([...mask.ids], [...data]);
      t.like(mask, {source: 'values', bits: data.BYTES_PER_ELEMENT * 8});
    }
  });
}

const refused: [name: string, data: TiffPageSpec['data'], message: RegExp][] = [
  ['a fraction', Float32Array.from([0, 1, 1.5]), /it has the value 1\.5, which is no label: a fraction\./],
  ['a negative float', Float32Array.from([0, -1]), /it has the value -1, which is no label: a negative number\./],
  ['NaN', Float32Array.from([0, Number.NaN]), /it has the value NaN, which is no label: not a number\./],
  [
    'infinity',
    Float32Array.from([0, Infinity]),
    /it has the value Infinity, .* above 16777216, where float32 has gaps/,
  ],
  ['a float above 2 ** 24', Float32Array.from([2 ** 24 + 2]), /it has the value 16777218, .* above 16777216/],
  ['a negative 8-bit number', Int8Array.from([0, -1]), /it has the value -1, which is no label: a negative number\./],
  ['a negative 16-bit number', Int16Array.from([0, -300]), /it has the value -300, which is no label/],
  ['a negative 32-bit number', Int32Array.from([0, -70_000]), /it has the value -70000, which is no label/],
  ['64-bit floats', Float64Array.from([0, 1]), /its values are floats of 64 bits\.\nSave the labels as whole numbers/],
];

for (const [name, data, message] of refused) {
  test(`${name} is refused`, async (t) => {
    const path = await write(data, false);
    const error = await t.throwsAsync(readMask(path), {instanceOf: MaskRcnnError});
    t.like(error, {code: 'INVALID_MASK', file: path});
    t.true(error!.message.startsWith(`${path} is not a readable TIFF mask: `), error!.message);
    t.regex(error!.message, message);
    t.truthy(error!.hint);
  });
}

test('JPEG inside TIFF is lossy, too', async (t) => {
  const path = await write(new Uint8Array(4), false, {compression: 7});
  await t.throwsAsync(readMask(path), {message: /its compression JPEG is lossy\./});
});
