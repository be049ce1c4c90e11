import {createHash} from 'node:crypto';
import {mapConcurrently} from '../basics/concurrently.js';
import {MaskRcnnError} from '../basics/errors.js';
import {callback, checkOptions, instanceOf, integer, required, type Schema} from '../basics/schema.js';
import type {Dataset, Sample} from './dataset.js';
import {datasetRule} from './dataset.js';
import {targetFaults} from './targets.js';

/** What `inspect()` takes. */
export type InspectOptions = {
  /** Images read at a time. Default 4. */
  concurrency?: number;
  /** Called after each image with how many are done. */
  onImage?: (done: number) => void;
  /** Ends the work; `inspect()` rejects with the signal's reason. */
  signal?: AbortSignal;
};

/** Least, middle and greatest of some numbers. */
export type Spread = {min: number; median: number; max: number};

/** What `inspect()` found. */
export type Inspection = {
  images: number;
  /** Of those that could be read. */
  instances: number;
  /** Images without instances: training takes them as negatives. */
  negatives: number;
  /** Of each class, in the data set's order: its instances, and the images that have any. */
  classes: {name: string; instances: number; images: number}[];
  /** Over the images that could be read; null where there is none. */
  width: Spread | null;
  height: Spread | null;
  instancesPerImage: Spread | null;
  /** Pixels of the instances' masks; null where there is none. */
  area: Spread | null;
  /** What training would end with: each is an error that names its file. */
  faults: MaskRcnnError[];
  /** What is worth a look: images that are the same pixel by pixel, classes that never occur. */
  warnings: string[];
};

const INSPECT: Schema = {
  data: required(datasetRule),
  concurrency: integer({min: 1}),
  onImage: callback,
  signal: instanceOf(AbortSignal),
};

/** What is kept of an image, whose pixels are not. */
type Summary = {
  file: string;
  width: number;
  height: number;
  /** Of the image's pixels. */
  digest: string;
  labels: number[];
  areas: number[];
};

/**
 * Reads a whole data set once and finds what training would stumble over: every fault, not only the first. Throws
 * INVALID_OPTION, errors of the data set that are none of a file's, or the signal's reason.
 */
export async function inspect(data: Dataset, options: InspectOptions = {}): Promise<Inspection> {
  checkOptions({data, ...options}, INSPECT, 'inspect()');
  const {concurrency = 4, onImage, signal} = options;
  let done = 0;
  const read = await mapConcurrently(data.length, concurrency, async (index) => {
    signal?.throwIfAborted();
    const result = await inspectSample(data, index);
    onImage?.(++done);
    return result;
  });
  signal?.throwIfAborted();
  const images = read.flatMap(({summary}) => (summary === undefined ? [] : [summary]));
  const labels = images.flatMap((image) => image.labels);
  const classes = data.classes.map((name, index) => ({
    name,
    instances: labels.filter((label) => label === index + 1).length,
    images: images.filter((image) => image.labels.includes(index + 1)).length,
  }));
  return {
    images: data.length,
    instances: labels.length,
    negatives: images.filter((image) => image.labels.length === 0).length,
    classes,
    width: spread(images.map(({width}) => width)),
    height: spread(images.map(({height}) => height)),
    instancesPerImage: spread(images.map((image) => image.labels.length)),
    area: spread(images.flatMap(({areas}) => areas)),
    faults: read.flatMap(({faults}) => faults),
    warnings: [
      ...sameImages(images),
      ...classes.filter(({instances}) => instances === 0).map(({name}) => `No instance is of class '${name}'.`),
    ],
  };
}

async function inspectSample(
  data: Dataset,
  index: number,
): Promise<{summary?: Summary; faults: readonly MaskRcnnError[]}> {
  let sample: Sample;
  try {
    sample = await data.get(index);
  } catch (error) {
    if (error instanceof MaskRcnnError) return {faults: [error]};
    throw error;
  }
  const {file, image, instances} = sample;
  const {width, height} = image;
  return {
    summary: {
      file,
      width,
      height,
      digest: `${width} ${createHash('sha1').update(image.data).digest('base64')}`,
      labels: instances.map(({label}) => label),
      areas: instances.map(({mask}) => mask.data.reduce((sum, on) => sum + (on === 0 ? 0 : 1), 0)),
    },
    faults: targetFaults(sample, data.classes),
  };
}

function spread(values: number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return {min: sorted[0]!, median: sorted[Math.floor(sorted.length / 2)]!, max: sorted.at(-1)!};
}

function sameImages(images: readonly Summary[]): string[] {
  const byDigest = new Map<string, string[]>();
  for (const {digest, file} of images) byDigest.set(digest, [...(byDigest.get(digest) ?? []), file]);
  return [...byDigest.values()]
    .filter(({length}) => length > 1)
    .map((files) => `${files.join(' and ')} are the same image.`);
}

/** An inspection in words, a line each: counts, then warnings, then every fault. */
export function describeInspection(inspection: Inspection): string {
  const {images, instances, negatives, classes, width, height, instancesPerImage, area, faults, warnings} = inspection;
  const between = (spread: Spread | null) =>
    spread === null ? 'none' : `${spread.min} to ${spread.max}, half of them up to ${spread.median}`;
  return [
    `${images} images, ${negatives} of them without instances; ${instances} instances.`,
    `Width ${between(width)}; height ${between(height)} pixels.`,
    `Instances per image: ${between(instancesPerImage)}. Pixels per instance: ${between(area)}.`,
    ...classes.map((each) => `Class '${each.name}': ${each.instances} instances on ${each.images} images.`),
    ...warnings.map((warning) => `Warning: ${warning}`),
    ...faults.map(({message}) => `Fault: ${message}`),
    faults.length === 0 ? 'No faults.' : `${faults.length} faults.`,
  ].join('\n');
}
