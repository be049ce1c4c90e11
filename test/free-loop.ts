import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';
import test, {type ExecutionContext} from 'ava';
import {held} from './held.js';

/** Milliseconds that the event loop may be held, beside a collection of garbage. */
const HOLD = 50;
/** Milliseconds that a collection may take on top. */
const LONGEST_COLLECTION = 100;
/** What is collected differs from one attempt to the next. */
const ATTEMPTS = 3;

// Elsewhere, nothing tells the time that one thread computes.
export const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;

/** Milliseconds that this thread computes while all garbage is collected. */
function collection(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  return held(async () => collect());
}

/**
 * Asserts that `work` does not hold the event loop for long. Pixels of hundreds of megabytes make V8 collect garbage.
 * How long that takes depends on the machine and on what the tests have loaded, so that much is allowed on top.
 */
export async function requireFree(t: ExecutionContext, name: string, work: () => Promise<unknown>): Promise<void> {
  const most = HOLD + Math.min(await collection(), LONGEST_COLLECTION);
  const holds: number[] = [];
  while (holds.length < ATTEMPTS && !holds.some((hold) => hold <= most)) holds.push(await held(work));
  const text = `${name}: ${holds.map((hold) => hold.toFixed(0)).join(', ')} of ${most.toFixed(0)} ms`;
  t.log(text);
  t.true(Math.min(...holds) <= most, text);
}
