import {createHash} from 'node:crypto';
import {mapConcurrently} from '../basics/concurrently.js';
import {MaskRcnnError} from '../basics/errors.js';
import {
  bool,
  callback,
  checkOptions,
  either,
  instanceOf,
  integer,
  listOf,
  nothing,
  number,
  required,
  type Schema,
} from '../basics/schema.js';
import {inTurns, Turn} from '../basics/turns.js';
import {checkNetworkSize, type TrainingSize} from '../image/network-size.js';
import {describeNotices, type FileNotice, noticesOf} from '../image/notices.js';
import type {RgbImage, StoredPixels} from '../image/rgb-image.js';
import type {Dataset, Sample} from './dataset.js';
import {checkDataset, datasetRule} from './dataset.js';
import {type ClassBalance, classBalance} from './inspection/class-balance.js';
import {sizesInTraining, type TrainingSizes, trainingSizes} from './inspection/object-sizes.js';
import {type DigestedImage, describeSameImages, sameImages} from './inspection/same-images.js';
import {type Spread, spread} from './inspection/spread.js';
import {readSample} from './read-sample.js';
import {BALANCE_THRESHOLD} from './repeat-factors.js';
import {type StoredSummary, storedOf, summarizeStored} from './stored-summary.js';
import {gather, joinSuspects, type SuspectObjects, suspectWarnings, suspicions} from './suspects.js';
import {targetFault} from './targets.js';

/** Options of `inspect()`. */
export type InspectOptions = {
  /** Number of images to read at the same time. Default 4. */
  concurrency?: number;
  /**
   * The model's `minSize` in training, to find objects that become too small: the shorter side of the resized image in
   * pixels. Of several, take the smallest. Default 800, as the model's.
   */
  minSize?: number;
  /**
   * The model's `maxSize`: the limit of the longer side of the resized image in pixels. Default 1333, as the model's.
   */
  maxSize?: number;
  /** The model's `fixedSize`: [width, height] of every resized image, instead of these limits. Default null. */
  fixedSize?: readonly [number, number] | null;
  /** The model's `skipResize`: whether images keep their size in training. Default false. */
  skipResize?: boolean;
  /** The `balanceThreshold` of `train()`, to find how often repeat-factor sampling takes each class. Default 0.001. */
  balanceThreshold?: number;
  /** Called after each image with the number of finished images. */
  onImage?: (done: number) => void;
  /** Stops the work. `inspect()` then rejects with the signal's reason. */
  signal?: AbortSignal;
};

/** Result of `inspect()`. */
export type Inspection = {
  images: number;
  /** Number of instances on the images that could be read. */
  instances: number;
  /** Number of those of which only the box is known. */
  boxesAlone: number;
  /** Images without instances. Training uses them as negatives. */
  negatives: number;
  /** For each class, in the data set's order: the number of its instances, and of the images that contain any. */
  classes: {name: string; instances: number; images: number}[];
  /** Image widths in pixels. Null if no image could be read. */
  width: Spread | null;
  /** Image heights in pixels. Null if no image could be read. */
  height: Spread | null;
  /** Numbers of instances per image. Null if no image could be read. */
  instancesPerImage: Spread | null;
  /** Mask areas of the instances, in pixels. Null if there is no instance with a mask. */
  area: Spread | null;
  /** What the image files store, and how it was read. */
  pixels: StoredSummary;
  /** Sizes of the instances without faults in the resized images of training. Null if there are none. */
  trainingSizes: TrainingSizes | null;
  /** How often repeat-factor sampling would take each class. */
  balance: ClassBalance;
  /** Groups of images with identical pixels, by file. */
  doubledImages: string[][];
  /** Errors that would stop training. Each names its file; if it has none, its sample. */
  faults: MaskRcnnError[];
  /** Objects that may be mistakes, or are too small to learn from. Training accepts them. */
  suspects: SuspectObjects;
  /**
   * Things to check, as sentences: the data set's own `notices`, images and masks of which bits, channels or pages are
   * not read, images that are too dark, images with identical pixels, classes without instances, and each kind of
   * `suspects` that occurs.
   */
  warnings: string[];
};

const INSPECT: Schema = {
  data: required(datasetRule),
  concurrency: integer({min: 1}),
  minSize: integer({min: 1}),
  maxSize: integer({min: 1}),
  fixedSize: either(listOf(integer({min: 1}), {length: 2}), nothing),
  skipResize: bool,
  balanceThreshold: number({min: 0, max: 1}),
  onImage: callback,
  signal: instanceOf(AbortSignal),
};

/** What is kept of an image, without its pixels. A few bytes for each instance, because there may be millions. */
type Summary = DigestedImage & {
  width: number;
  height: number;
  labels: Float64Array;
  areas: Float64Array;
  /** Sizes of the instances without faults in training. */
  sizes: Float32Array;
  /** Undefined without suspicions, as on most images. */
  suspects: SuspectObjects | undefined;
  notices: readonly FileNotice[];
  stored: StoredPixels | undefined;
};

/**
 * Reads a whole data set once and finds all errors that would stop training, not only the first. What `data.get()`
 * throws is among them. To compare training and validation images, use `inspectSplits()`. Throws INVALID_OPTION, or the
 * signal's reason.
 */
export async function inspect(data: Dataset, options: InspectOptions = {}): Promise<Inspection> {
  return (await inspectImages(data, options)).inspection;
}

/** As `inspect()`, and gives the digest of each image that could be read. */
export async function inspectImages(
  data: Dataset,
  options: InspectOptions,
): Promise<{inspection: Inspection; images: DigestedImage[]}> {
  checkOptions({data, ...options}, INSPECT, 'inspect()');
  checkDataset(data);
  const {
    concurrency = 4,
    minSize = 800,
    maxSize = 1333,
    fixedSize = null,
    skipResize = false,
    balanceThreshold: threshold = BALANCE_THRESHOLD,
    onImage,
    signal,
  } = options;
  const size = {minSize, maxSize, fixedSize, skipResize};
  let done = 0;
  const read = await mapConcurrently(data.length, concurrency, async (index) => {
    signal?.throwIfAborted();
    const result = await inspectSample(data, index, {size, signal});
    onImage?.(++done);
    return result;
  });
  signal?.throwIfAborted();
  const images = read.flatMap(({summary}) => (summary === undefined ? [] : [summary]));
  // For a hundred thousand images, each of these takes long enough for a turn of its own.
  const turn = new Turn();
  const inTurn = async <T>(work: () => T): Promise<T> => {
    await turn.next();
    return work();
  };
  const classes = await inTurn(() => countClasses(images, data.classes));
  const notices = images.flatMap((image) => image.notices);
  const stored = images.flatMap((image) => image.stored ?? []);
  const {warnings: ofPixels, ...pixels} = await inTurn(() => summarizeStored(data.pixels ?? {}, stored, notices));
  const suspects = await inTurn(() => joinSuspects(images.flatMap((image) => image.suspects ?? [])));
  const doubled = await inTurn(() => sameImages(images));
  const instances = images.reduce((sum, {labels}) => sum + labels.length, 0);
  const inspection = {
    images: data.length,
    instances,
    boxesAlone: instances - images.reduce((sum, {areas}) => sum + areas.length, 0),
    negatives: images.filter(({labels}) => labels.length === 0).length,
    classes,
    width: spread([Float64Array.from(images, ({width}) => width)]),
    height: spread([Float64Array.from(images, ({height}) => height)]),
    instancesPerImage: spread([Float64Array.from(images, ({labels}) => labels.length)]),
    area: await inTurn(() => spread(images.map(({areas}) => areas))),
    pixels,
    trainingSizes: await inTurn(() => trainingSizes(images.map(({sizes}) => sizes))),
    balance: await inTurn(() =>
      classBalance(
        images.map(({labels}) => labels.filter((label) => classes[label - 1] !== undefined)),
        {classes: classes.length, threshold},
      ),
    ),
    doubledImages: doubled.map((group) => group.map(({file}) => file)),
    faults: read.flatMap(({faults}) => faults),
    suspects,
    warnings: [
      ...(data.notices ?? []),
      ...describeNotices(notices),
      ...ofPixels,
      ...describeSameImages(doubled.map((group) => group.map(({file}) => ({file})))),
      ...(images.length === 0 ? [] : missingClasses(classes)),
      ...suspectWarnings(suspects, size),
    ],
  };
  return {inspection, images: images.map(({file, digest}) => ({file, digest}))};
}

/** Counts instances and images of each class. Faulty labels count for none. */
function countClasses(images: readonly Summary[], names: readonly string[]): Inspection['classes'] {
  const classes = names.map((name) => ({name, instances: 0, images: 0}));
  for (const {labels} of images) {
    for (const label of labels) if (classes[label - 1] !== undefined) classes[label - 1]!.instances++;
    for (const label of new Set(labels)) if (classes[label - 1] !== undefined) classes[label - 1]!.images++;
  }
  return classes;
}

async function inspectSample(
  data: Dataset,
  index: number,
  {size, signal}: {size: TrainingSize; signal: AbortSignal | undefined},
): Promise<{summary?: Summary; faults: readonly MaskRcnnError[]}> {
  let sample: Sample;
  try {
    sample = await readSample(data, index, signal);
  } catch (error) {
    if (error instanceof MaskRcnnError) return {faults: [error]};
    throw error;
  }
  const {file, image, instances} = sample;
  const {width, height} = image;
  const turn = new Turn();
  const faults: (MaskRcnnError | undefined)[] = [];
  const areas: number[] = [];
  for (const [i, {mask}] of instances.entries()) {
    if (turn.isOver()) await turn.next();
    faults.push(targetFault(sample, i, data.classes));
    if (mask !== undefined) areas.push(await areaOf(mask.data, turn));
  }
  const found = await suspicions(sample, (i) => faults[i] === undefined, size);
  return {
    summary: {
      file,
      width,
      height,
      digest: instances.length === 0 && isPlain(image) ? undefined : await digestOf(image),
      labels: Float64Array.from(instances, ({label}) => label),
      areas: Float64Array.from(areas),
      sizes: sizesInTraining(
        instances.filter((_, i) => faults[i] === undefined),
        image,
        size,
      ),
      suspects: found.length === 0 ? undefined : gather(found),
      notices: noticesOf(sample),
      stored: await storedOf(image, turn),
    },
    faults: [...thinness(sample, size), ...faults.filter((fault) => fault !== undefined)],
  };
}

/** An image that is too thin for the network, as a fault. */
function thinness({file, image}: Sample, size: TrainingSize): MaskRcnnError[] {
  if (size.skipResize) return [];
  try {
    checkNetworkSize(image, size, {name: file, file});
    return [];
  } catch (fault) {
    return [fault as MaskRcnnError];
  }
}

async function areaOf(mask: Uint8Array, turn: Turn): Promise<number> {
  let area = 0;
  const count = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (mask[i] !== 0) area++;
  };
  await inTurns(mask.length, count, turn);
  return area;
}

/** Digest of the size and the pixels. */
async function digestOf({data, width}: RgbImage): Promise<string> {
  const hash = createHash('sha1');
  await inTurns(data.length, (from, to) => hash.update(data.subarray(from, to)));
  return `${width} ${hash.digest('base64')}`;
}

/** Whether an image has a single colour: then its bytes are the same as those three places further. */
function isPlain({data}: RgbImage): boolean {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  return bytes.subarray(3).equals(bytes.subarray(0, -3));
}

function missingClasses(classes: Inspection['classes']): string[] {
  return classes.filter(({instances}) => instances === 0).map(({name}) => `No instance is of class '${name}'.`);
}
