import test from 'ava';
import {RecentCache} from '../../lib/basics/recent-cache.js';
import type {RgbImage} from '../../lib/image/rgb-image.js';

/** A cache for 100 bytes, and a function that asks it for blocks of 40 bytes and counts those that are made. */
function counted() {
  const cache = new RecentCache<RgbImage>(100, ({data}) => data.length);
  const made: number[] = [];
  const get = (index: number) =>
    cache.get(index, async () => {
      made.push(index);
      return {data: new Uint8Array(40).fill(index), width: 1, height: 1};
    });
  return {cache, made, get};
}

test('blocks that are kept or being decoded are not decoded again', async (t) => {
  const {made, get} = counted();
  const [first, second] = await Promise.all([get(1), get(1)]);
  t.is(first, second);
  t.is(await get(1), first);
  t.deepEqual(made, [1]);
});

test('the blocks whose last use is longest ago go first', async (t) => {
  const {made, get} = counted();
  for (const index of [1, 2, 1, 3]) await get(index);
  t.deepEqual(made, [1, 2, 3]);
  await get(1);
  t.deepEqual(made, [1, 2, 3]);
  await get(2);
  t.deepEqual(made, [1, 2, 3, 2]);
});

test('a block that failed is tried again', async (t) => {
  const {cache, made, get} = counted();
  await t.throwsAsync(
    cache.get(1, async () => {
      throw new Error('damaged');
    }),
    {message: 'damaged'},
  );
  t.is((await get(1)).data[0], 1);
  t.deepEqual(made, [1]);
});

test('a block larger than the cache is given and not kept', async (t) => {
  const {cache} = counted();
  let made = 0;
  const get = () =>
    cache.get(1, async () => {
      made++;
      return {data: new Uint8Array(101), width: 1, height: 1};
    });
  t.is((await get()).data.length, 101);
  await get();
  t.is(made, 2);
});
