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

test('a value that is forgotten is discarded, once, and not while it is used', async (t) => {
  const discarded: number[] = [];
  const cache = new RecentCache<number>(
    100,
    () => 40,
    (value) => discarded.push(value),
  );
  const use = (index: number, work = async (value: number) => value) => cache.use(index, async () => index, work);
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const slow = use(1, async (value) => {
    await ended;
    t.deepEqual(discarded, [2]);
    return value;
  });
  const failing = use(2, async () => {
    throw new Error('of the work');
  });
  await t.throwsAsync(failing, {message: 'of the work'});
  t.deepEqual(discarded, []);
  for (const index of [3, 4]) t.is(await use(index), index); // 1 and 2 are forgotten
  t.deepEqual(discarded, [2]);
  end();
  t.is(await slow, 1);
  t.deepEqual(discarded, [2, 1]);
  t.is(await use(1), 1); // made again
  t.deepEqual(discarded, [2, 1, 3]);
});

test('a value that fails is not discarded, and fails all its uses', async (t) => {
  const discarded: unknown[] = [];
  const cache = new RecentCache<number>(
    0,
    () => 1,
    (value) => discarded.push(value),
  );
  const use = () =>
    cache.use(
      1,
      async () => Promise.reject(new Error('damaged')),
      async () => t.fail(),
    );
  await Promise.all([t.throwsAsync(use(), {message: 'damaged'}), t.throwsAsync(use(), {message: 'damaged'})]);
  t.deepEqual(discarded, []);
});
