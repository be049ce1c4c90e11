import {mapConcurrently} from '../basics/concurrently.js';
import {checkOptions, integer, required} from '../basics/schema.js';
import type {Dataset} from '../datasets/dataset.js';

/** Headers read at a time. */
const CONCURRENCY = 8;

/**
 * Groups samples by width / height: `2 * bins + 2` groups, whose borders lie evenly in its logarithm from 1/2 to 2 (torchvision
 * references/detection/group_by_aspect_ratio.py, whose reference takes 3). Reads the sizes only, where the data set can tell them
 * by themselves. Throws what the data set throws.
 */
export async function aspectRatioGroups(data: Dataset, bins = 3): Promise<number[]> {
  checkOptions({bins}, {bins: required(integer({min: 1}))}, 'aspectRatioGroups()');
  const borders = Array.from({length: 2 * bins + 1}, (_, i) => 2 ** (i / bins - 1));
  return mapConcurrently(data.length, CONCURRENCY, async (index) => {
    const {width, height} = data.size === undefined ? (await data.get(index)).image : await data.size(index);
    return borders.filter((border) => width / height >= border).length;
  });
}
