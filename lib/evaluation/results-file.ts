import {createWriteStream} from 'node:fs';
import {mkdir} from 'node:fs/promises';
import {dirname} from 'node:path';
import {pipeline} from 'node:stream/promises';
import {loadBinding} from '../addon/binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {isId, toBox, toRle} from '../datasets/coco/annotation.js';
import {JsonFault, readJsonArrays} from '../datasets/coco/json-arrays.js';
import type {Dataset} from '../datasets/dataset.js';
import {writing} from '../files/writing.js';
import {type DetectedObject, DetectedObjects} from './object-table.js';

/** Maps the indices of a data set to the ids in COCO files. */
export type CocoNames = {
  imageId: (index: number) => number;
  categoryId: (label: number) => number;
};

export function cocoNames(data: Dataset): CocoNames {
  return {
    imageId: (index) => data.imageId?.(index) ?? index + 1,
    categoryId: (label) => data.categoryIds?.[label - 1] ?? label,
  };
}

/**
 * Writes detections as a COCO results file: a list of objects with image_id, category_id, bbox, segmentation and score.
 * Throws WRITE_FAILED.
 */
export async function writeResults(
  file: string,
  detected: DetectedObjects,
  {imageId, categoryId}: CocoNames,
  sizeOf: (image: number) => {width: number; height: number},
): Promise<void> {
  function* lines() {
    for (let index = 0; index < detected.length; index++) {
      const {image, label, box, score, counts} = detected.at(index);
      const {width, height} = sizeOf(image);
      const line = JSON.stringify({
        image_id: imageId(image),
        category_id: categoryId(label),
        bbox: box,
        segmentation: {size: [height, width], counts},
        score,
      });
      yield `${index === 0 ? '[' : ',\n'}${line}`;
    }
    yield detected.length === 0 ? '[]\n' : ']\n';
  }
  await writing(file, async () => {
    await mkdir(dirname(file), {recursive: true});
    await pipeline(lines, createWriteStream(file));
  });
}

/** The content of a results file. A missing box is computed from the mask. */
export type Results = {
  detected: DetectedObjects;
  /** Whether every detection has a mask. */
  hasMasks: boolean;
};

/**
 * Reads a COCO results file of detections on `data`. Throws INVALID_RESULTS, naming the file and the entry, for
 * malformed JSON (with its position), unknown image or category ids, scores that are not finite numbers, and masks that
 * do not fit the image.
 */
export async function readResults(
  file: string,
  data: Dataset,
  sizeOf: (image: number) => {width: number; height: number},
): Promise<Results> {
  const binding = await loadBinding();
  const {imageId, categoryId} = cocoNames(data);
  const indexOf = new Map(Array.from({length: data.length}, (_, index) => [imageId(index), index]));
  const labelOf = new Map(data.classes.map((_, i) => [categoryId(i + 1), i + 1]));
  const detected = new DetectedObjects();
  let hasMasks = true;

  const read = (value: Record<string, unknown>): [image: number, DetectedObject] => {
    const {image_id: id, category_id: category, bbox, segmentation, score} = value;
    const image = isId(id) ? indexOf.get(id) : undefined;
    if (image === undefined) throw new RangeError(`an image_id of the data set, got ${JSON.stringify(id)}`);
    const label = isId(category) ? labelOf.get(category) : undefined;
    if (label === undefined) throw new RangeError(`a category_id of the data set, got ${JSON.stringify(category)}`);
    if (!Number.isFinite(score)) throw new RangeError(`a finite score, got ${JSON.stringify(score)}`);
    const size = sizeOf(image);
    const mask = segmentation === undefined ? undefined : toRle(segmentation, size, binding);
    const given = toBox(bbox);
    if (bbox !== undefined && given === undefined) throw new RangeError('a bbox of four finite numbers');
    if (mask === undefined && given === undefined) throw new RangeError('a bbox or a segmentation, got neither');
    hasMasks &&= mask !== undefined;
    const box = given ?? ([...binding.rle.boxes([mask!.counts], size.width, size.height)] as unknown as typeof given);
    return [image, {label, box: box!, score: score as number, counts: mask?.counts ?? ''}];
  };

  let found: Set<string>;
  let count = 0;
  try {
    found = await readJsonArrays(file, [''], ({value, offset}) => {
      try {
        detected.add(...read(value as Record<string, unknown>));
      } catch (cause) {
        if (!(cause instanceof RangeError)) throw cause;
        throw fault(file, `Detection ${count} (at byte ${offset}) of ${file} must have ${cause.message}.`, cause);
      }
      count++;
    });
  } catch (cause) {
    if (cause instanceof MaskRcnnError) throw cause;
    const what =
      cause instanceof JsonFault ? `a JSON file. ${cause.message}.` : `readable: ${(cause as Error).message}.`;
    throw fault(file, `${file} must be ${what}`, cause);
  }
  if (!found.has('')) throw fault(file, `${file} must be a list of detections, got an object.`);
  return {detected, hasMasks};
}

function fault(file: string, message: string, cause?: unknown): MaskRcnnError {
  return new MaskRcnnError('INVALID_RESULTS', message, {file, ...(cause !== undefined && {cause})});
}
