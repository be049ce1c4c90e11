import {createWriteStream} from 'node:fs';
import {mkdir} from 'node:fs/promises';
import {dirname} from 'node:path';
import {pipeline} from 'node:stream/promises';
import {type Binding, loadBinding} from '../addon/binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {isId, toBox} from '../datasets/coco/annotation.js';
import {type JsonElement, JsonFault, readJsonArrays} from '../datasets/coco/json-arrays.js';
import {decodeSegmentations} from '../datasets/coco/segmentation.js';
import type {Dataset} from '../datasets/dataset.js';
import {writing} from '../files/writing.js';
import {DetectedObjects} from './object-table.js';

/** Maps the indices of a data set to the ids in COCO files. */
export type CocoNames = {
  imageId: (index: number) => number;
  categoryId: (label: number) => number;
};

/** Throws INVALID_DATASET if two images have the same id. */
export function cocoNames(data: Dataset): CocoNames {
  return {
    imageId: imageIds(data),
    categoryId: (label) => data.categoryIds?.[label - 1] ?? label,
  };
}

function imageIds(data: Dataset): (index: number) => number {
  if (data.imageId === undefined) return (index) => index + 1;
  const known = new Map<number, number>();
  for (let index = 0; index < data.length; index++) {
    const id = data.imageId(index);
    const other = known.get(id);
    if (other !== undefined) {
      const message = `imageId() of the data set must give each image an id of its own, got ${id} for ${other} and ${index}.`;
      throw new MaskRcnnError('INVALID_DATASET', message);
    }
    known.set(id, index);
  }
  return (index) => data.imageId!(index);
}

/**
 * Writes detections as a COCO results file: a list of objects with image_id, category_id, bbox, score and, if they have
 * masks, segmentation.
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
        ...(counts !== '' && {segmentation: {size: [height, width], counts}}),
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
  const reader = new ResultsReader(file, data, sizeOf, await loadBinding());
  let found: Set<string>;
  try {
    found = await readJsonArrays(file, [''], (elements) => reader.add(elements));
  } catch (cause) {
    if (cause instanceof MaskRcnnError) throw cause;
    const what =
      cause instanceof JsonFault ? `a JSON file. ${cause.message}.` : `readable: ${(cause as Error).message}.`;
    throw fault(file, `${file} must be ${what}`, cause);
  }
  if (!found.has('')) throw fault(file, `${file} must be a list of detections, got an object.`);
  return {detected: reader.detected, hasMasks: reader.hasMasks};
}

/** An entry of the file whose mask is not decoded yet. */
type Entry = {
  image: number;
  label: number;
  score: number;
  box: [number, number, number, number] | undefined;
  segmentation: unknown;
  /** 'Detection 3 (at byte 512) of results.json', for messages. */
  name: string;
};

class ResultsReader {
  readonly detected = new DetectedObjects();
  hasMasks = true;
  readonly #file: string;
  readonly #sizeOf: (image: number) => {width: number; height: number};
  readonly #binding: Binding;
  readonly #indexOf: ReadonlyMap<number, number>;
  readonly #labelOf: (categoryId: number) => number | undefined;
  #count = 0;

  constructor(
    file: string,
    data: Dataset,
    sizeOf: (image: number) => {width: number; height: number},
    binding: Binding,
  ) {
    this.#file = file;
    this.#sizeOf = sizeOf;
    this.#binding = binding;
    const {imageId, categoryId} = cocoNames(data);
    this.#indexOf = new Map(Array.from({length: data.length}, (_, index) => [imageId(index), index]));
    const labels = new Map(data.classes.map((_, i) => [categoryId(i + 1), i + 1]));
    this.#labelOf = (id) => data.labelOf?.(id) ?? labels.get(id);
  }

  async add(elements: readonly JsonElement[]): Promise<void> {
    const entries = elements.map((element) => this.#toEntry(element));
    for (let start = 0; start < entries.length; ) {
      const {image} = entries[start]!;
      let end = start + 1;
      while (entries[end]?.image === image) end++;
      await this.#addOfImage(image, entries.slice(start, end));
      start = end;
    }
  }

  #toEntry({value, offset}: JsonElement): Entry {
    const {image_id: id, category_id: category, bbox, segmentation, score} = value as Record<string, unknown>;
    const name = `Detection ${this.#count++} (at byte ${offset}) of ${this.#file}`;
    const must = (expectation: string) => fault(this.#file, `${name} must have ${expectation}.`);
    const image = isId(id) ? this.#indexOf.get(id) : undefined;
    if (image === undefined) throw must(`an image_id of the data set, got ${JSON.stringify(id)}`);
    const label = isId(category) ? this.#labelOf(category) : undefined;
    if (label === undefined) throw must(`a category_id of the data set, got ${JSON.stringify(category)}`);
    if (!Number.isFinite(score)) throw must(`a finite score, got ${JSON.stringify(score)}`);
    // Beside a mask an empty box stands for none, as in pycocotools' loadRes().
    const isWithout = bbox === undefined || (Array.isArray(bbox) && bbox.length === 0 && segmentation !== undefined);
    const box = isWithout ? undefined : toBox(bbox);
    if (!isWithout && box === undefined) throw must('a bbox of four finite numbers');
    if (segmentation === undefined && box === undefined) throw must('a bbox or a segmentation, got neither');
    return {image, label, score: score as number, box, segmentation, name};
  }

  async #addOfImage(image: number, entries: readonly Entry[]): Promise<void> {
    const masked = entries.filter(({segmentation}) => segmentation !== undefined);
    const masks = await decodeSegmentations(
      masked.map(({segmentation}) => segmentation),
      this.#sizeOf(image),
      {binding: this.#binding},
    );
    let next = 0;
    for (const {label, score, box, segmentation, name} of entries) {
      const mask = segmentation === undefined ? undefined : masks[next++]!;
      if (mask instanceof RangeError) {
        throw fault(this.#file, `${name} must have a segmentation that is ${mask.message}.`, mask);
      }
      this.hasMasks &&= mask !== undefined;
      this.detected.add(image, {label, box: box ?? mask!.box, score, counts: mask?.counts ?? ''});
    }
  }
}

function fault(file: string, message: string, cause?: unknown): MaskRcnnError {
  return new MaskRcnnError('INVALID_RESULTS', message, {file, ...(cause !== undefined && {cause})});
}
