import {join} from 'node:path';
import test from 'ava';
import {encode} from 'fast-png';
import {type MaskFolder, openDataset} from '../../lib/index.js';
import {folderOf} from './annotated/folders.js';

/** An array of NumPy of 3 rows and 4 columns. */
function npy(values: readonly number[]): Uint8Array {
  const header = "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 4), }".padEnd(117);
  return Buffer.from(`\x93NUMPY\x01\x00\x76\x00${header}\n${String.fromCharCode(...values)}`, 'latin1');
}

const ids = [0, 1, 1, 0, 0, 1, 1, 0, 7, 0, 0, 0];
const areas = async (data: MaskFolder, index: number) =>
  (await data.get(index)).instances.map(({mask}) => mask!.data.reduce((sum, pixel) => sum + pixel, 0));

test('a folder of arrays of NumPy beside a folder of images', async (t) => {
  const path = await folderOf(t, {'images/a.png': '4x3', 'masks/a.npy': npy(ids)});
  const data = (await openDataset(path)) as MaskFolder;
  t.deepEqual(data.sources(0), [join(path, 'images', 'a.png'), join(path, 'masks', 'a.npy')]);
  t.deepEqual(await areas(data, 0), [4, 1]);
  t.deepEqual(await data.labels(0), [1, 1]);
});

test("Cellpose's _seg.npy serves where its label image is not there", async (t) => {
  const mask = encode({
    width: 4,
    height: 3,
    channels: 1,
    depth: 8,
    data: Uint8Array.from(ids.map((id) => Number(id === 1))),
  });
  const path = await folderOf(t, {
    ...{'a.png': '4x3', 'a_seg.npy': npy(ids)},
    ...{'b.png': '4x3', 'b_seg.npy': npy(ids), 'b_cp_masks.png': mask},
    // Of an image that is not there.
    'c_seg.npy': npy(ids),
  });
  const data = (await openDataset(path)) as MaskFolder;
  t.deepEqual(
    data.files.map(({name, mask}) => [name, mask]),
    [
      ['a', join(path, 'a_seg.npy')],
      ['b', join(path, 'b_cp_masks.png')],
    ],
  );
  t.deepEqual([await areas(data, 0), await areas(data, 1)], [[4, 1], [4]]);
  await t.throwsAsync(openDataset(path, {format: 'masks', maskSuffix: '_mask'}), {code: 'INVALID_DATASET'});
});
