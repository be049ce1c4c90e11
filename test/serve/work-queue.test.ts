import {getEventListeners, setMaxListeners} from 'node:events';
import test from 'ava';
import {Problem} from '../../lib/serve/problem.js';
import {WorkQueue} from '../../lib/serve/work-queue.js';

const never = new AbortController().signal;

/** A work that ends when it is told to. */
function held() {
  let begun = false;
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const work = () => {
    begun = true;
    return ended;
  };
  return {work, end, hasBegun: () => begun};
}

const soon = () => new Promise((resolve) => setImmediate(resolve));

test('works run a few at a time, in their order, and more than may wait are refused', async (t) => {
  const queue = new WorkQueue({atATime: 2, most: 2});
  const works = Array.from({length: 4}, held);
  const done = works.map(({work}) => queue.run(work, never));
  await soon();
  t.deepEqual([queue.running, queue.waiting, queue.isFull], [2, 2, true]);
  t.deepEqual(
    works.map(({hasBegun}) => hasBegun()),
    [true, true, false, false],
  );
  const refusal = await t.throwsAsync(queue.run(held().work, never), {instanceOf: Problem});
  t.like(refusal, {status: 429, code: 'QUEUE_FULL'});
  t.true(Number(refusal?.headers['retry-after']) >= 1);
  works[1]!.end();
  await done[1];
  await soon();
  t.deepEqual(
    works.map(({hasBegun}) => hasBegun()),
    [true, true, true, false],
  );
  for (const {end} of works) end();
  await Promise.all(done);
  t.deepEqual([queue.running, queue.waiting], [0, 0]);
});

test('one that is given up while it waits is not begun, and leaves its place to others', async (t) => {
  const queue = new WorkQueue({atATime: 1, most: 1});
  const [first, second, third] = [held(), held(), held()];
  const doneFirst = queue.run(first.work, never);
  const gone = new AbortController();
  const doneSecond = queue.run(second.work, gone.signal);
  gone.abort(new Error('gone'));
  await t.throwsAsync(doneSecond, {message: 'gone'});
  const doneThird = queue.run(third.work, never);
  first.end();
  third.end();
  await Promise.all([doneFirst, doneThird]);
  t.false(second.hasBegun());
  await t.throwsAsync(queue.run(second.work, gone.signal), {message: 'gone'});
  t.is(queue.running, 0);
});

test('one that is given up while it runs keeps its place until it has ended', async (t) => {
  const queue = new WorkQueue({atATime: 1, most: 1});
  const [first, second] = [held(), held()];
  const gone = new AbortController();
  const doneFirst = queue.run(first.work, gone.signal);
  const doneSecond = queue.run(second.work, never);
  await soon();
  gone.abort(new Error('too late'));
  await t.throwsAsync(doneFirst, {message: 'too late'});
  t.false(second.hasBegun());
  first.end();
  second.end();
  await doneSecond;
  t.is(queue.running, 0);
});

test('those that would probably wait for too long are refused, though they might wait', async (t) => {
  // Until works have ended, each is taken to last a second.
  const queue = new WorkQueue({atATime: 1, most: 10, mostSeconds: 2.5});
  const works = [held(), held()];
  const done = works.map(({work}) => queue.run(work, never));
  await soon();
  t.deepEqual([queue.running, queue.waiting, queue.isFull], [1, 1, true]);
  await t.throwsAsync(queue.run(held().work, never), {instanceOf: Problem, message: '1 request is waiting already.'});
  for (const {end} of works) end();
  await Promise.all(done);
  t.false(queue.isFull);
});

test('no listener stays behind at a signal that many works share', async (t) => {
  const queue = new WorkQueue({atATime: 1, most: 100});
  const {signal} = new AbortController();
  setMaxListeners(0, signal);
  await Promise.all(Array.from({length: 50}, () => queue.run(async () => {}, signal)));
  t.is(getEventListeners(signal, 'abort').length, 0);
});

test('a work that fails makes room, and its error is its own', async (t) => {
  const queue = new WorkQueue({atATime: 1, most: 0});
  await t.throwsAsync(
    queue.run(() => Promise.reject(new Error('no')), never),
    {message: 'no'},
  );
  t.is(await queue.run(async () => 7, never), 7);
});
