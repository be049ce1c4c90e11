import test, {type ExecutionContext} from 'ava';
import {held} from '../held.js';

/** Milliseconds that the event loop may be held. */
const HOLD = 50;
/** What holds the event loop holds it in each of so many attempts; the garbage collector does not. */
const ATTEMPTS = 3;

// Elsewhere, nothing tells the time that one thread computes.
export const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;

/** Asserts that `work` does not hold the event loop for long. */
export async function requireFree(t: ExecutionContext, name: string, work: () => Promise<unknown>): Promise<void> {
  const holds: number[] = [];
  while (holds.length < ATTEMPTS && !holds.some((hold) => hold <= HOLD)) holds.push(await held(work));
  const text = `${name}: ${holds.map((hold) => hold.toFixed(0)).join(', ')} ms`;
  t.log(text);
  t.true(Math.min(...holds) <= HOLD, text);
}
