import {setTimeout} from 'node:timers/promises';

/** Waits. Throws the reason of the signal, at once when it is aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, signal && {signal});
  } catch (error) {
    signal?.throwIfAborted(); // not the error of the timer
    throw error;
  }
}
