import {mkdir, stat, writeFile} from 'node:fs/promises';
import {basename, extname, join} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {drawDetections} from '../draw/overlay.js';
import {predictedLabels} from '../evaluation/label-map.js';
import {DetectedObjects} from '../evaluation/object-table.js';
import {writeResults} from '../evaluation/results-file.js';
import {requireWritableFolder, writing} from '../files/writing.js';
import {loadSharp} from '../image/load-sharp.js';
import type {RgbImage} from '../image/read-image.js';
import {detectionsToJson} from '../model/detections-json.js';
import type {Detections} from '../model/predict.js';

export const FORMATS = ['overlay', 'json', 'coco', 'labels'] as const;
export type Format = (typeof FORMATS)[number];

/** The file name for one image in each format, given its stem. */
const NAMES = {
  overlay: (stem: string) => `${stem}.png`,
  json: (stem: string) => `${stem}.json`,
  labels: (stem: string) => `${stem}_labels.png`,
};
/** The files of the format 'coco', which cover all images together. */
const IMAGES = 'images.json';
const RESULTS = 'results.json';

/** An image to read, and the stem of the files made from it. */
type ImageFile = {file: string; stem: string};

/** Writes the detections on images to a folder. */
export class PredictionWriter {
  /** The images in the order in which they must be added. */
  readonly images: readonly ImageFile[];
  readonly #folder: string;
  readonly #formats: readonly Format[];
  readonly #detected = new DetectedObjects();
  readonly #added: {id: number; file_name: string; width: number; height: number}[] = [];

  private constructor(folder: string, formats: readonly Format[], images: readonly ImageFile[]) {
    this.#folder = folder;
    this.#formats = formats;
    this.images = images;
  }

  /**
   * Chooses a name for each output file, without creating anything yet. Throws INVALID_OPTION if an output file would
   * replace an input image, and WRITE_FAILED if the folder is not writable.
   */
  static async plan(folder: string, formats: readonly Format[], files: readonly string[]): Promise<PredictionWriter> {
    await requireWritableFolder(folder);
    const images = nameImages(files, formats);
    const names = [...sharedNames(formats), ...images.flatMap(({stem}) => namesOf(stem, formats))];
    await requireNoInput(
      folder,
      names.map((name) => join(folder, name)),
      files,
    );
    return new PredictionWriter(folder, formats, images);
  }

  async open(): Promise<void> {
    await writing(this.#folder, () => mkdir(this.#folder, {recursive: true}));
  }

  async add({file, stem}: ImageFile, image: RgbImage, found: Detections): Promise<void> {
    const {width, height, masks} = found;
    const index = this.#added.length;
    this.#added.push({id: index + 1, file_name: file, width, height});
    if (this.#formats.includes('coco')) this.#detected.addDetections(index, found);
    if (this.#formats.includes('overlay')) await this.#write(NAMES.overlay(stem), await drawDetections(image, found));
    if (this.#formats.includes('json')) {
      await this.#write(NAMES.json(stem), toJson(detectionsToJson({...found, file})));
    }
    if (this.#formats.includes('labels')) {
      const labels = Uint16Array.from(predictedLabels(masks, width, height).labels);
      await this.#write(NAMES.labels(stem), await encodeLabels(labels, width, height));
    }
  }

  async close(): Promise<void> {
    if (!this.#formats.includes('coco')) return;
    await this.#write(IMAGES, toJson(this.#added));
    const names = {imageId: (index: number) => index + 1, categoryId: (label: number) => label};
    await writeResults(join(this.#folder, RESULTS), this.#detected, names, (index) => this.#added[index]!);
  }

  async #write(name: string, contents: string | Uint8Array): Promise<void> {
    const file = join(this.#folder, name);
    await writing(file, () => writeFile(file, contents));
  }
}

/** A grey PNG of 16 bits. */
async function encodeLabels(labels: Uint16Array, width: number, height: number): Promise<Buffer> {
  const sharp = await loadSharp();
  // Without the colour space, libvips would write the upper 8 bits.
  return sharp(labels, {raw: {width, height, channels: 1}})
    .toColourspace('grey16')
    .png()
    .toBuffer();
}

/** Gives all output files distinct names, even on file systems that ignore case, as on macOS and Windows. */
function nameImages(files: readonly string[], formats: readonly Format[]): ImageFile[] {
  const taken = new Set(sharedNames(formats));
  return files.map((file) => {
    const name = basename(file, extname(file));
    let stem = name;
    const names = () => namesOf(stem, formats).map((candidate) => candidate.toLowerCase());
    for (let number = 2; names().some((candidate) => taken.has(candidate)); number++) stem = `${name}-${number}`;
    for (const own of names()) taken.add(own);
    return {file, stem};
  });
}

function namesOf(stem: string, formats: readonly Format[]): string[] {
  return formats.flatMap((format) => (format === 'coco' ? [] : [NAMES[format](stem)]));
}

function sharedNames(formats: readonly Format[]): string[] {
  return formats.includes('coco') ? [IMAGES, RESULTS] : [];
}

async function requireNoInput(folder: string, outputs: readonly string[], inputs: readonly string[]): Promise<void> {
  const read = new Set(await Promise.all(inputs.map(identity)));
  for (const output of outputs) {
    const existing = await identity(output);
    if (existing === undefined || !read.has(existing)) continue;
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option 'output' of maskrcnn predict must be a folder where no image that is read is replaced, got '${folder}': ${output} would be.`,
      {hint: 'Name another folder.', file: output},
    );
  }
}

/**
 * An identity that is the same for all names of a file, such as links or different case; undefined if there is no file.
 */
async function identity(path: string): Promise<string | undefined> {
  const there = await stat(path, {bigint: true}).catch(() => undefined);
  return there && `${there.dev} ${there.ino}`;
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
