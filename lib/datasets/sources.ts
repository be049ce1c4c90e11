import {setImmediate} from 'node:timers/promises';
import {show} from '../basics/wording.js';
import type {Dataset} from './dataset.js';
import {sampleError} from './read-sample.js';

/** Samples between two pauses in which other work may run. */
const SAMPLES_AT_ONCE = 1000;

/**
 * The files of each sample; undefined if the data set does not tell them. Pauses, because a data set may have a hundred
 * thousand samples. Throws the signal's reason, and errors of `data.sources()`, with the number of the sample.
 */
export async function sourcesOf(
  data: Dataset,
  signal: AbortSignal | undefined,
): Promise<(readonly string[])[] | undefined> {
  if (data.sources === undefined) return undefined;
  const sources: (readonly string[])[] = [];
  for (let index = 0; index < data.length; index++) {
    try {
      const files: unknown = data.sources(index);
      if (!(Array.isArray(files) && files.every((file) => typeof file === 'string'))) {
        throw new TypeError(`it must return paths of files, got ${show(files)}`);
      }
      sources.push(files);
    } catch (error) {
      throw sampleError(error, index, `sources(${index})`);
    }
    if (index % SAMPLES_AT_ONCE !== 0) continue;
    await setImmediate();
    signal?.throwIfAborted();
  }
  return sources;
}
