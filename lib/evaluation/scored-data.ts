import type {NativeEvaluationData} from '../../binding.js';
import {loadBinding} from '../addon/binding.js';
import type {Dataset, Sample, TrueObject} from '../datasets/dataset.js';
import {sizeOfSample, truthOfSample} from '../datasets/read-sample.js';
import {type CocoEvaluation, scoreCoco} from './coco-scores.js';
import {type DetectedObjects, TrueObjects} from './object-table.js';
import {cocoNames} from './results-file.js';

type Size = {width: number; height: number};

type Truth = {size: Size; objects: readonly TrueObject[]};

/** The ground truth of image `index`, from the data set if it provides it, otherwise from the sample's instances. */
export async function truthOf(data: Dataset, index: number, sample: () => Promise<Sample> | Sample): Promise<Truth> {
  const {truth, size} = data;
  if (truth !== undefined && size !== undefined) {
    return {size: await sizeOfSample(data, index), objects: await truthOfSample(data, index)};
  }
  const given = await sample();
  const {width, height} = given.image;
  const objects = (truth && (await truthOfSample(data, index))) ?? (await objectsOf(given));
  return {size: {width, height}, objects};
}

/** Counts how often each class was predicted as each class. The background is one more class after the K classes. */
export type ConfusionMatrix = {
  /** The names of the K classes. */
  classes: readonly string[];
  /**
   * (K+1)×(K+1): one row per ground-truth class and one column per predicted class. The last column counts missed
   * objects. The last row counts detections without an object of their own: on the background, beside their object, or
   * a second one of an object that is found already. All detections above the score threshold are counted, also those
   * that the object scores drop.
   */
  counts: readonly (readonly number[])[];
};

/** Collects the ground truth of a data set, image by image, and scores detections against it. */
export class ScoredData {
  readonly #data: Dataset;
  readonly #sizes: Size[] = [];
  readonly #truth = new TrueObjects();
  /** Images on which only the box of an object is known. */
  readonly #boxImages = new Set<number>();

  constructor(data: Dataset) {
    this.#data = data;
  }

  /** Adds the ground truth of image `index`: see `truthOf()`. */
  async add(index: number, sample: () => Promise<Sample> | Sample): Promise<void> {
    this.addTruth(index, await truthOf(this.#data, index, sample));
  }

  /** Adds what `truthOf()` gave for image `index`. */
  addTruth(index: number, {size, objects}: Truth): void {
    this.#sizes[index] = size;
    this.#truth.add(index, objects);
    if (objects.some(({mask}) => mask === undefined)) this.#boxImages.add(index);
  }

  /** The number of images on which only the box of an object is known. Scores of masks leave them out. */
  get boxImages(): number {
    return this.#boxImages.size;
  }

  /** Whether masks can be scored on any image. */
  get hasMasks(): boolean {
    return this.boxImages < this.#sizes.length;
  }

  sizeOf(index: number): Size {
    return this.#sizes[index]!;
  }

  /** The COCO scores of detections on all images, by their boxes or their masks. */
  async score(detected: DetectedObjects, shape: 'box' | 'mask'): Promise<CocoEvaluation> {
    const {matches, ...rest} = await scoreCoco(this.#native(detected, shape), {classes: this.#data.classes});
    const order = this.#order();
    const indices = (ranks: Int32Array) => ranks.map((rank) => order[rank]!);
    const {images, wantedImages} = matches;
    return {...rest, matches: {...matches, images: indices(images), wantedImages: indices(wantedImages)}};
  }

  async confusion(
    detected: DetectedObjects,
    shape: 'box' | 'mask',
    thresholds: {iouThreshold: number; scoreThreshold: number},
  ): Promise<ConfusionMatrix> {
    const {evaluation} = await loadBinding();
    const counts = await evaluation.confusion(this.#native(detected, shape), thresholds);
    const {classes} = this.#data;
    const side = classes.length + 1;
    return {classes, counts: Array.from({length: side}, (_, row) => [...counts.slice(row * side, (row + 1) * side)])};
  }

  /** The indices of the images by image id, which breaks ties between equal scores, as in pycocotools. */
  #order(): number[] {
    const {imageId} = cocoNames(this.#data);
    return this.#sizes.map((_, index) => index).sort((a, b) => imageId(a) - imageId(b));
  }

  #native(detected: DetectedObjects, shape: 'box' | 'mask'): NativeEvaluationData {
    const order = this.#order();
    const ranks = new Int32Array(order.length);
    for (const [rank, index] of order.entries()) ranks[index] = rank;
    const without = shape === 'mask' ? this.#boxImages : new Set<number>();
    const ranked = <T extends {images: Int32Array}>(table: T): T => ({
      ...table,
      images: table.images.map((i) => ranks[i]!),
    });
    return {
      classes: this.#data.classes.length,
      sizes: Int32Array.from(
        order.flatMap((index) => {
          const {width, height} = this.#sizes[index]!;
          return [width, height];
        }),
      ),
      truth: ranked(this.#truth.toNative(without)),
      detected: ranked(detected.toNative(without)),
      shape,
    };
  }
}

/** The instances of a sample as ground-truth objects. Their area is that of their mask, or else of their box. */
export async function objectsOf({image: {width, height}, instances}: Sample): Promise<TrueObject[]> {
  const {rle} = await loadBinding();
  return instances.map(({label, box: [x0, y0, x1, y1], mask}) => ({
    label,
    box: [x0, y0, x1 - x0, y1 - y0],
    area: mask?.data.reduce((sum, pixel) => sum + Number(pixel !== 0), 0) ?? (x1 - x0) * (y1 - y0),
    crowd: false,
    ...(mask && {mask: {size: [height, width], counts: rle.encodeCrop(mask, width, height)}}),
  }));
}
