import {MaskRcnnError, sentenceOf} from '../basics/errors.js';
import {Turn} from '../basics/turns.js';
import {show} from '../basics/wording.js';
import type {LargeImage, LevelOptions} from '../image/regions/large-image.js';
import type {Dataset, PlacedObject, Sample, TrueObject} from './dataset.js';
import {toNativeImage} from './targets.js';

/**
 * Sample `index` of a data set. The user may have written the data set, so the shape of the sample is checked: throws
 * INVALID_DATASET, which names the sample and what is wrong, or INVALID_IMAGE if there are too many or too few pixels.
 * Otherwise throws the errors of `askSample()`.
 */
export async function readSample(data: Dataset, index: number, signal?: AbortSignal): Promise<Sample> {
  const sample: unknown = await askSample(index, `get(${index})`, () => data.get(index), signal);
  checkSample(sample, `Sample ${index} of the data set`);
  toNativeImage(sample); // throws if the pixels do not fit the size
  return sample;
}

/** The size of sample `index`, from `data.size()`. Throws the errors of `askSample()`. */
export async function sizeOfSample(data: Dataset, index: number): Promise<{width: number; height: number}> {
  return askSample(index, `size(${index})`, () => data.size!(index));
}

/** The labels of sample `index`, from `data.labels()`. Throws INVALID_DATASET, or the errors of `askSample()`. */
export async function labelsOfSample(data: Dataset, index: number, signal?: AbortSignal): Promise<readonly number[]> {
  const labels: unknown = await askSample(index, `labels(${index})`, () => data.labels!(index), signal);
  const {length} = data.classes;
  const isLabel = (label: unknown) => Number.isInteger(label) && (label as number) >= 1 && (label as number) <= length;
  if (Array.isArray(labels) && labels.every(isLabel)) return labels;
  const must = `labels(${index}) of the data set must be a list of labels in 1..${length}`;
  throw toNamed(new MaskRcnnError('INVALID_DATASET', `${must}, got ${show(labels)}.`));
}

/** The true objects of sample `index`, from `data.truth()`. Throws the errors of `askSample()`. */
export async function truthOfSample(data: Dataset, index: number): Promise<TrueObject[]> {
  const truth: unknown = await askSample(index, `truth(${index})`, () => data.truth!(index));
  checkTruth(truth, `truth(${index}) of the data set`);
  return truth;
}

/** Image `index`, opened by `data.largeImage()`. Throws INVALID_DATASET, or the errors of `askSample()`. */
export async function largeImageOfSample(data: Dataset, index: number, options: LevelOptions): Promise<LargeImage> {
  const by = `largeImage(${index})`;
  const image = await askSample(index, by, () => data.largeImage!(index, options));
  const isSize = (side: unknown) => Number.isSafeInteger(side) && (side as number) > 0;
  if (isSize(image?.width) && isSize(image.height) && typeof image.open === 'function') return image;
  const must = `${by} of the data set must be an image {file, width, height, full, downsample, open}`;
  throw toNamed(new MaskRcnnError('INVALID_DATASET', `${must}, got ${show(image)}.`));
}

/** The objects of sample `index`, by `data.objects()`. Throws INVALID_DATASET, or the errors of `askSample()`. */
export async function objectsOfSample(
  data: Dataset,
  index: number,
  size: {width: number; height: number},
): Promise<PlacedObject[]> {
  const by = `objects(${index})`;
  const objects = await askSample(index, by, () => data.objects!(index, size));
  const isBox = (box: unknown) => Array.isArray(box) && box.length === 4 && box.every(Number.isFinite);
  const isLabel = (label: number) => Number.isInteger(label) && label >= 1 && label <= data.classes.length;
  const isObject = ({label, box, mask}: PlacedObject) =>
    isLabel(label) && isBox(box) && (mask === undefined || typeof mask.rle?.counts === 'string');
  const must = `${by} of the data set must be a list of {label, box, crowd, mask: {left, top, rle}}`;
  if (!Array.isArray(objects)) throw toNamed(new MaskRcnnError('INVALID_DATASET', `${must}, got ${show(objects)}.`));
  const turn = new Turn();
  for (const object of objects) {
    if (turn.isOver()) await turn.next();
    if (isObject(object)) continue;
    const labels = `labels in 1..${data.classes.length}`;
    throw toNamed(new MaskRcnnError('INVALID_DATASET', `${must} with ${labels}, got ${show(object)}.`));
  }
  return objects;
}

/** Throws INVALID_DATASET unless `value` is a list of true objects. */
function checkTruth(value: unknown, name: string): asserts value is TrueObject[] {
  const must = (what: string, got: unknown) =>
    toNamed(new MaskRcnnError('INVALID_DATASET', `${name} must have ${what}, got ${show(got)}.`));
  if (!Array.isArray(value)) throw must('a list of objects', value);
  for (const [i, object] of value.entries()) {
    if (!isObject(object)) throw must(`an object at ${i}`, object);
    const {label, box, area, mask} = object;
    if (!Number.isInteger(label)) throw must(`a label at ${i}`, label);
    if (!(Array.isArray(box) && box.length === 4 && box.every(Number.isFinite))) throw must(`a box at ${i}`, box);
    if (!Number.isFinite(area)) throw must(`an area at ${i}`, area);
    if (mask === undefined) continue;
    if (!(isObject(mask) && typeof mask.counts === 'string' && Array.isArray(mask.size))) {
      throw must(`a mask {size, counts} at ${i}`, mask);
    }
  }
}

/**
 * What `ask` resolves to: an answer of a data set about sample `index`. `by` names what is asked, in messages. Throws
 * what `sampleError()` makes of an error, or the reason of an aborted signal, which may be the cause of the error.
 */
export async function askSample<T>(
  index: number,
  by: string,
  ask: () => T | Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    signal?.throwIfAborted();
    throw sampleError(error, index, by);
  }
}

/** Errors that name their sample. The index in a subset must not hide the one that the user's `get()` was given. */
const named = new WeakSet<MaskRcnnError>();

/**
 * What to throw for an error of sample `index`, so that it names the sample. Errors of this package that name a file
 * stay as they are; others keep their code. Errors of the system, such as a missing file, become INVALID_IMAGE: the
 * sample cannot be read. Anything else becomes INVALID_DATASET, because it is probably a defect of the data set.
 */
export function sampleError(error: unknown, index: number, by: string): MaskRcnnError {
  const where = `Sample ${index} of the data set`;
  if (error instanceof MaskRcnnError) {
    if (error.file !== undefined || named.has(error)) return error;
    const {code, hint} = error;
    const details = {...(hint !== undefined && {hint}), cause: error};
    return toNamed(new MaskRcnnError(code, `${where}: ${sentenceOf(error)}`, details));
  }
  const isOfSystem = error instanceof Error && 'syscall' in error;
  const file = isOfSystem && 'path' in error && typeof error.path === 'string' ? error.path : undefined;
  return toNamed(
    new MaskRcnnError(isOfSystem ? 'INVALID_IMAGE' : 'INVALID_DATASET', `${where}: ${by} threw ${described(error)}.`, {
      ...(file !== undefined && {file}),
      cause: error,
    }),
  );
}

function toNamed(error: MaskRcnnError): MaskRcnnError {
  named.add(error);
  return error;
}

/** An error by its name and the first line of its message. */
function described(error: unknown): string {
  if (!(error instanceof Error)) return show(error);
  const [line = ''] = error.message.split('\n', 1);
  return line === '' ? error.name : `${error.name}: ${line.replace(/\.$/, '')}`;
}

/** Throws INVALID_DATASET if `value` does not have the shape of a sample. `name` begins the message. */
export function checkSample(value: unknown, name: string): asserts value is Sample {
  const must = (what: string, got: unknown) => {
    const file = isObject(value) && typeof value.file === 'string' ? value.file : undefined;
    const of = file === undefined ? '' : ` (${file})`;
    return toNamed(
      new MaskRcnnError('INVALID_DATASET', `${name}${of} must have ${what}, got ${show(got)}.`, {
        ...(file !== undefined && {file}),
        hint: 'get() of a data set resolves to {file, image: {data, width, height}, instances: [{label, box, mask}]}.',
      }),
    );
  };
  if (!isObject(value)) throw must('a file, an image and instances', value);
  const {file, image, instances} = value;
  if (typeof file !== 'string') throw must('a file, the name of the image', file);
  if (!isObject(image)) throw must('an image: data, width and height', image);
  if (!isBytes(image.data)) throw must('its image.data in a Uint8Array', image.data);
  if (!Array.isArray(instances)) throw must('instances, an array', instances);
  for (const [i, instance] of instances.entries()) {
    if (!isObject(instance)) throw must(`an object at instances[${i}]`, instance);
    if (!Array.isArray(instance.box)) throw must(`a box [x0, y0, x1, y1] at instances[${i}].box`, instance.box);
    if (instance.mask === undefined) continue;
    if (!isObject(instance.mask))
      throw must(`a mask {left, top, width, height, data} at instances[${i}]`, instance.mask);
    if (!isBytes(instance.mask.data)) {
      throw must(`a Uint8Array at instances[${i}].mask.data`, instance.mask.data);
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isBytes(value: unknown): boolean {
  return value instanceof Uint8Array || value instanceof Uint8ClampedArray;
}
