import {MaskRcnnError} from '../basics/errors.js';
import type {Dataset} from '../datasets/dataset.js';
import {readSample, sizeOfSample, truthOfSample} from '../datasets/read-sample.js';
import {objectsOf} from '../evaluation/scored-data.js';
import type {RgbImage} from '../image/read-image.js';
import type {ImageAnnotations} from './annotations.js';

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
  objects: ImageAnnotations['objects'];
};

/**
 * Image `index` of a data set. Labels are those of `classes`, which are the classes of the data set and maybe others.
 * Pixels are read only if the data set cannot tell size and objects without them. Throws INVALID_DATASET for labels
 * that are not of the data set's classes, and the errors of the data set.
 */
export async function datasetImage(data: Dataset, index: number, classes: readonly string[]): Promise<DatasetImage> {
  // Samples of a group may be parts of one file, such as tiles, so that their pixels are written.
  const source = data.group?.(index) === undefined ? data.sources?.(index)[0] : undefined;
  if (source !== undefined && data.truth !== undefined && data.size !== undefined) {
    const [size, objects] = [await sizeOfSample(data, index), await truthOfSample(data, index)];
    return {
      file: source,
      source,
      pixels: undefined,
      ...size,
      objects: labelled(objects, data, {file: source, classes}),
    };
  }
  const sample = await readSample(data, index);
  const {file, image} = sample;
  const objects = data.truth === undefined ? await objectsOf(sample) : await truthOfSample(data, index);
  const {width, height} = image;
  const pixels = source === undefined ? image : undefined;
  return {file, source, pixels, width, height, objects: labelled(objects, data, {file, classes})};
}

function labelled(
  objects: ImageAnnotations['objects'],
  data: Dataset,
  {file, classes}: {file: string; classes: readonly string[]},
): ImageAnnotations['objects'] {
  const labels = data.classes.map((name) => classes.indexOf(name) + 1);
  return objects.map((object, i) => {
    const label = labels[object.label - 1];
    if (label !== undefined) return {...object, label};
    const message = `The label of object ${i + 1} of ${file} must be in 1..${labels.length}, got ${object.label}.`;
    throw new MaskRcnnError('INVALID_DATASET', message, {file});
  });
}
