import {MaskRcnnError} from '../basics/errors.js';
import type {Dataset} from '../datasets/dataset.js';
import {readSample, sizeOfSample, truthOfSample} from '../datasets/read-sample.js';
import {objectsOf} from '../evaluation/scored-data.js';
import type {RgbImage} from '../image/read-image.js';
import type {ObjectAnnotation} from './annotations.js';

/** An image of a data set, and its objects. */
export type DatasetImage = {
  /** Its name in messages. */
  file: string;
  /** Path of the file, if the data set says it. */
  source: string | undefined;
  /** Its pixels, if it is in no file. */
  pixels: RgbImage | undefined;
  width: number;
  height: number;
  objects: readonly ObjectAnnotation[];
};

/**
 * Image `index` of a data set. Its pixels are read only if the data set cannot tell size and objects without them.
 * Throws INVALID_DATASET for labels that are not of the data set's classes, and the errors of the data set.
 */
export async function datasetImage(data: Dataset, index: number): Promise<DatasetImage> {
  const source = data.sources?.(index)[0];
  if (source !== undefined && data.truth !== undefined && data.size !== undefined) {
    const [size, objects] = [await sizeOfSample(data, index), await truthOfSample(data, index)];
    checkLabels(objects, data, source);
    return {file: source, source, pixels: undefined, ...size, objects};
  }
  const sample = await readSample(data, index);
  const {file, image} = sample;
  const objects = data.truth === undefined ? await objectsOf(sample) : await truthOfSample(data, index);
  checkLabels(objects, data, file);
  const {width, height} = image;
  return {file, source, pixels: source === undefined ? image : undefined, width, height, objects};
}

function checkLabels(objects: readonly ObjectAnnotation[], {classes}: Dataset, file: string): void {
  const wrong = objects.findIndex(({label}) => classes[label - 1] === undefined);
  if (wrong === -1) return;
  const message = `The label of object ${wrong + 1} of ${file} must be in 1..${classes.length}, got ${objects[wrong]!.label}.`;
  throw new MaskRcnnError('INVALID_DATASET', message, {file});
}
