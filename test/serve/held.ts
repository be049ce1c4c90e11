import {readFileSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';

/** Milliseconds that the event loop may be held. */
const HOLD = 50;
/** What holds the event loop holds it in each of so many attempts; the garbage collector does not. */
const ATTEMPTS = 3;

// Elsewhere, nothing tells the time that one thread computes.
export const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;

/**
 * The longest time in ms that the event loop was held during `work`. Only time in which this thread computes counts:
 * other tests share the processor, and would seem to hold it.
 */
async function held(work: () => Promise<unknown>): Promise<number> {
  const computed = () => Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6;
  let last = computed();
  let longest = 0;
  const look = () => {
    const now = computed();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  try {
    await work();
    await new Promise((resolve) => setTimeout(resolve, 50)); // for what is freed afterwards
  } finally {
    clearInterval(timer);
  }
  return longest;
}

/** Asserts that `work` does not hold the event loop for long. */
export async function requireFree(t: ExecutionContext, name: string, work: () => Promise<unknown>): Promise<void> {
  const holds: number[] = [];
  while (holds.length < ATTEMPTS && !holds.some((hold) => hold <= HOLD)) holds.push(await held(work));
  const text = `${name}: ${holds.map((hold) => hold.toFixed(0)).join(', ')} ms`;
  t.log(text);
  t.true(Math.min(...holds) <= HOLD, text);
}
