import {setTimeout} from 'node:timers/promises';
import test from 'ava';
import {mapConcurrently} from '../../lib/basics/concurrently.js';

test('results are in order, and at most so many calls run at a time', async (t) => {
  let [running, most] = [0, 0];
  const results = await mapConcurrently(20, 3, async (i) => {
    most = Math.max(most, ++running);
    await setTimeout((i * 7) % 5);
    running--;
    return i * i;
  });
  t.deepEqual(
    results,
    Array.from({length: 20}, (_, i) => i * i),
  );
  t.is(most, 3);
});

test('after a failure nothing is started, and nothing goes on', async (t) => {
  const ended: number[] = [];
  const work = async (i: number) => {
    await setTimeout(i === 0 ? 1 : 30);
    if (i === 0) throw new Error('first');
    ended.push(i);
  };
  await t.throwsAsync(mapConcurrently(10, 3, work), {message: 'first'});
  t.deepEqual(ended, [1, 2]);
  await setTimeout(50);
  t.deepEqual(ended, [1, 2]);
});
