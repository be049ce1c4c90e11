import test from 'ava';
import {inTurns, rowsInTurns, Turn} from '../../lib/basics/turns.js';

/** Holds the event loop, as long computations do. */
function compute(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

test('parts cover the whole length, in order', async (t) => {
  const parts: [number, number][] = [];
  await inTurns(10, (from, to) => parts.push([from, to]), new Turn(), 4);
  t.deepEqual(parts, [
    [0, 4],
    [4, 8],
    [8, 10],
  ]);
  const rows: number[] = [];
  await rowsInTurns(100_000, 3, (y) => rows.push(y));
  t.deepEqual(rows, [0, 1, 2]);
  await inTurns(0, () => t.fail());
});

test('several works at a time take turns, and the event loop runs between any two', async (t) => {
  const log: string[] = [];
  const work = (name: string) => inTurns(4, () => log.push(name) && compute(12), new Turn(), 1);
  let running = true;
  const loop = () => {
    log.push('loop');
    if (running) setImmediate(loop);
  };
  setImmediate(loop);
  await Promise.all([work('a'), work('b'), work('c')]);
  running = false;
  const works = log.join(' ').split('loop');
  t.is(log.filter((entry) => entry !== 'loop').length, 12);
  t.true(
    works.every((between) => between.trim().split(' ').length === 1),
    log.join(' '),
  );
});

test('an error of a part ends the work', async (t) => {
  let parts = 0;
  const work = inTurns(
    5,
    () => {
      if (++parts === 2) throw new Error('enough');
    },
    new Turn(),
    1,
  );
  await t.throwsAsync(work, {message: 'enough'});
  t.is(parts, 2);
});
