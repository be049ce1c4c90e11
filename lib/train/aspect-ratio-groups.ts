import {mapConcurrently} from '../basics/concurrently.js';
import {checkOptions, integer, required} from '../basics/schema.js';
import {checkDataset, type Dataset, datasetRule} from '../datasets/dataset.js';
import {readSample, sizeOfSample} from '../datasets/read-sample.js';

/** Number of image headers to read at a time. */
const CONCURRENCY = 8;

/**
 * Groups samples by aspect ratio (width / height). Returns a group number for each sample. There are `2 * bins + 2`
 * groups, whose borders are evenly spaced on a log scale from 1/2 to 2 (torchvision
 * references/detection/group_by_aspect_ratio.py, whose reference uses 3 bins). Reads only the sizes of the images if
 * the data set can report them. Throws INVALID_OPTION or errors of the data set.
 */
export async function aspectRatioGroups(data: Dataset, bins = 3): Promise<number[]> {
  checkOptions({data, bins}, {data: required(datasetRule), bins: required(integer({min: 1}))}, 'aspectRatioGroups()');
  checkDataset(data);
  const borders = Array.from({length: 2 * bins + 1}, (_, i) => 2 ** (i / bins - 1));
  return mapConcurrently(data.length, CONCURRENCY, async (index) => {
    const {width, height} =
      data.size === undefined ? (await readSample(data, index)).image : await sizeOfSample(data, index);
    return borders.filter((border) => width / height >= border).length;
  });
}
