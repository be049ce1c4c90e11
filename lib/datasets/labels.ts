import {mapConcurrently} from '../basics/concurrently.js';
import type {Dataset} from './dataset.js';
import {labelsOfSample, readSample} from './read-sample.js';

/** Number of images that are asked for their labels at the same time. */
const CONCURRENCY = 8;

/**
 * The labels of the objects of each image. Asks `data.labels()`, or else reads each sample once. An image whose error
 * `mayLack` accepts has no labels. Throws errors of the data set, or the signal's reason.
 */
export async function labelsOfImages(
  data: Dataset,
  {mayLack, signal}: {mayLack: (error: unknown) => boolean; signal?: AbortSignal | undefined},
): Promise<(readonly number[])[]> {
  const isLabel = (label: number) => Number.isInteger(label) && label >= 1 && label <= data.classes.length;
  return mapConcurrently(data.length, CONCURRENCY, async (index) => {
    signal?.throwIfAborted();
    try {
      if (data.labels !== undefined) return await labelsOfSample(data, index, signal);
      const {instances} = await readSample(data, index, signal);
      // Training tells of faulty labels when it comes to them.
      return instances.map(({label}) => label).filter(isLabel);
    } catch (error) {
      if (mayLack(error)) return [];
      throw error;
    }
  });
}
