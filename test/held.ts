import {existsSync, readFileSync} from 'node:fs';

/**
 * The longest time in ms that the event loop was held during `work`. On Linux, only time in which this thread computes
 * counts: other tests share the processor, and would seem to hold it.
 */
export async function held(work: () => Promise<unknown>): Promise<number> {
  const ofThread = '/proc/thread-self/schedstat';
  const onThread = () => Number(readFileSync(ofThread, 'utf8').split(' ')[0]) / 1e6;
  // A system without these statistics has no such file, or zeros.
  const computed = existsSync(ofThread) && onThread() > 0 ? onThread : () => performance.now();
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
