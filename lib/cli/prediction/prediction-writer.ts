import {mkdir, rm, stat, writeFile} from 'node:fs/promises';
import {basename, dirname, extname, join, relative, sep} from 'node:path';
import {MaskRcnnError} from '../../basics/errors.js';
import {type DrawOptions, drawDetections} from '../../draw/overlay.js';
import {type PictureFormat, pictureExtension} from '../../draw/picture-format.js';
import {DetectedObjects} from '../../evaluation/object-table.js';
import {writeResults} from '../../evaluation/results-file.js';
import {AnnotationFolder} from '../../export/annotation-folder.js';
import {LOSSES, type Loss} from '../../export/losses.js';
import {writeTilesGeoJson} from '../../export/tiles-geojson.js';
import {detectedImage} from '../../export/write-detections.js';
import {LABELS_SUFFIX, OVERLAY_SUFFIX} from '../../files/prediction-names.js';
import {requireWritableFolder, writing} from '../../files/writing.js';
import {labelPng} from '../../image/label-png.js';
import {labelTiff} from '../../image/label-tiff.js';
import type {RgbImage} from '../../image/read-image.js';
import type {OnTop} from '../../masks/paint-labels.js';
import type {Detections} from '../../model/detections.js';
import {type DetectionsJson, detectionsToJson} from '../../model/detections-json.js';
import {detectionsToLabelsInTurns} from '../../model/detections-labels.js';
import type {ListedImage} from '../image-files.js';
import {isToolFormat, TOOL_FORMATS, type ToolFormat, toolFormat} from '../tool-formats.js';
import {earlierOverlays} from './earlier-overlays.js';
import {detectionsIn, type LargeImage, overviewOf, writeLargeJson} from './large-outputs.js';
import {COUNTS, MeasurementTables, OBJECTS} from './measurement-tables.js';

const OWN_FORMATS = ['overlay', 'json', 'coco', 'labels', 'labels-tiff', 'csv'] as const;
type OwnFormat = (typeof OWN_FORMATS)[number];
export type Format = OwnFormat | ToolFormat;
export const FORMATS: readonly Format[] = [...OWN_FORMATS, ...TOOL_FORMATS];

/** The formats that need no masks. */
export const WITHOUT_MASKS: readonly Format[] = [
  ...(['overlay', 'json', 'coco'] as const),
  ...TOOL_FORMATS.filter((name) => toolFormat(name).holds.boxes),
];

/** What to write, and where to. */
export type PredictionOutput = {
  folder: string;
  formats: readonly Format[];
  overlay: Pick<DrawOptions, 'quality' | 'scale'> & {format: PictureFormat};
  onTop: OnTop;
  /** For the tables: the length of a pixel's side in µm, if it is known. */
  micronsPerPixel?: number;
  /** Whether files beside the images may be replaced. */
  overwrite: boolean;
};

const IMAGES = 'images.json';
const RESULTS = 'results.json';

/** The files of the formats that cover all images together. */
const SHARED_NAMES = {coco: [IMAGES, RESULTS], csv: [OBJECTS, COUNTS]};
type SharedFormat = keyof typeof SHARED_NAMES;

/** An image to read, and the stem of the files made from it: their path in the output folder without suffix. */
export type ImageFile = {file: string; stem: string};

/** Writes the detections on images to a folder. */
export class PredictionWriter {
  /** The images in the order in which they must be added. */
  readonly images: readonly ImageFile[];
  readonly #output: PredictionOutput;
  readonly #detected = new DetectedObjects();
  readonly #tables: MeasurementTables;
  readonly #added: {id: number; file_name: string; width: number; height: number}[] = [];
  /** Identities of the folders of the images. */
  readonly #ofImages: ReadonlySet<string | undefined>;
  /** Overlays of another format that are of an earlier prediction on the same image, and were removed. */
  readonly removed: string[] = [];
  /** Overlays of another format that stay, because it is not known whose they are. */
  readonly kept: string[] = [];
  /** The files in the formats of annotation tools. */
  readonly #tools = new Map<ToolFormat, AnnotationFolder>();
  /** The names of the images in them. */
  readonly #toolNames = new Map<ToolFormat, Set<string>>();

  private constructor(
    output: PredictionOutput,
    images: readonly ImageFile[],
    ofImages: ReadonlySet<string | undefined>,
  ) {
    this.#output = output;
    this.#tables = new MeasurementTables(output.micronsPerPixel);
    this.images = images;
    this.#ofImages = ofImages;
  }

  /**
   * Chooses a name for each output file, without creating anything yet. Throws INVALID_OPTION if an output file would
   * replace an input image or, without `overwrite`, any file beside the images; and WRITE_FAILED if the folder is not
   * writable.
   */
  static async plan(output: PredictionOutput, listed: readonly ListedImage[]): Promise<PredictionWriter> {
    const {folder} = output;
    await requireWritableFolder(folder);
    const images = nameImages(listed, output);
    const names = [...sharedNames(output), ...images.flatMap(({stem}) => namesOf(stem, output))];
    const outputs = names.map((name) => join(folder, name));
    const inputs = listed.map(({file}) => file);
    await requireNoInput(folder, outputs, inputs);
    const ofImages = new Set(await Promise.all([...new Set(inputs.map((input) => dirname(input)))].map(identity)));
    if (!output.overwrite) await requireNothingBeside(outputs, ofImages);
    return new PredictionWriter(output, images, ofImages);
  }

  /** The number of images added so far. */
  get added(): number {
    return this.#added.length;
  }

  /**
   * Writes the files of one image. `classes`: those of the model; `page`: that of the image. Returns the ids of the
   * objects that have no pixel in its label mask.
   */
  async add(
    {file, stem}: ImageFile,
    image: RgbImage,
    found: Detections,
    {classes, page}: {classes: readonly string[]; page: number | undefined},
  ): Promise<number[]> {
    const {width, height} = found;
    const {formats, overlay, onTop} = this.#output;
    const index = this.#added.length;
    const json: DetectionsJson = detectionsToJson({...found, file});
    // First, because it may throw INVALID_IMAGE, and then nothing of the image must be written.
    if (formats.includes('csv')) await this.#tables.add({file, page}, image, found);
    if (formats.includes('coco')) this.#detected.addDetections(index, found);
    if (formats.includes('overlay')) {
      const picture = await drawDetections(image, found, {...overlay, ids: true});
      await this.#write(fileName(stem, 'overlay', this.#output), picture);
      await this.#removeEarlier(file, stem); // before NAME.json is replaced
    }
    if (formats.includes('labels') || formats.includes('labels-tiff')) {
      const {labels, missing} = await detectionsToLabelsInTurns(found, {onTop});
      json.labels = {onTop, missing};
      if (formats.includes('labels')) {
        const png = await labelPng(Uint16Array.from(labels), width, height);
        await this.#write(fileName(stem, 'labels', this.#output), png);
      }
      if (formats.includes('labels-tiff')) {
        await this.#write(fileName(stem, 'labels-tiff', this.#output), await labelTiff(labels, width, height));
      }
    }
    for (const format of formats.filter(isToolFormat)) await this.#addTo(format, {file, stem}, found, classes);
    if (formats.includes('json')) await this.#write(fileName(stem, 'json', this.#output), toText(json));
    this.#added.push({id: index + 1, file_name: file, width, height});
    return json.labels?.missing ?? [];
  }

  /** Writes the files of a large image. Throws INVALID_IMAGE if it cannot be read again. */
  async addLarge({file, stem}: ImageFile, image: LargeImage): Promise<void> {
    const {formats, overlay} = this.#output;
    const {width, height, downsample} = image.source;
    const index = this.#added.length;
    if (formats.includes('csv')) await this.#tables.addLarge(file, image);
    if (formats.includes('coco')) {
      for await (const found of detectionsIn(image)) this.#detected.addDetections(index, found);
    }
    if (formats.includes('overlay')) {
      await this.#write(fileName(stem, 'overlay', this.#output), await overviewOf(image, overlay));
      await this.#removeEarlier(file, stem); // before NAME.json is replaced
    }
    if (formats.includes('geojson')) {
      const path = await this.#placeFor(join('geojson', `${stem}.geojson`));
      await writing(path, () => writeTilesGeoJson(path, image.objects(), {downsample}));
    }
    if (formats.includes('json')) {
      const path = await this.#placeFor(fileName(stem, 'json', this.#output));
      await writing(path, () => writeLargeJson(path, image));
    }
    this.#added.push({id: index + 1, file_name: file, width, height});
  }

  /** Writes the files that cover all images, if any image was added. `classes` are those of the network. */
  async close(classes: readonly string[]): Promise<void> {
    const {formats, folder} = this.#output;
    for (const tool of this.#tools.values()) await tool.close();
    if (this.#added.length === 0) return;
    if (formats.includes('csv')) await this.#tables.write(folder, classes);
    if (!formats.includes('coco')) return;
    await this.#write(IMAGES, toText(this.#added));
    const names = {imageId: (index: number) => index + 1, categoryId: (label: number) => label};
    await writeResults(join(folder, RESULTS), this.#detected, names, (index) => this.#added[index]!);
  }

  /** Removes files of several images that are not whole. */
  async abort(): Promise<void> {
    for (const tool of this.#tools.values()) await tool.abort();
  }

  /** What the formats of annotation tools cannot hold, by their names for people. */
  get losses(): {format: string; loss: Loss}[] {
    return [...this.#tools].flatMap(([key, tool]) => tool.losses.map((loss) => ({format: toolFormat(key).name, loss})));
  }

  async #addTo(
    format: ToolFormat,
    {file, stem}: ImageFile,
    found: Detections,
    classes: readonly string[],
  ): Promise<void> {
    const root = join(this.#output.folder, format);
    const tool =
      this.#tools.get(format) ??
      new AnnotationFolder(root, toolFormat(format), {classes, splits: [], scored: true, segmentation: 'rle'});
    this.#tools.set(format, tool);
    // Files of one image need different names. One file for all images has the names that the images have.
    const own = withSlashes(join(dirname(stem), basename(file)));
    const given = withSlashes(`${stem}${extname(file)}`);
    const names = this.#toolNames.get(format) ?? new Set();
    this.#toolNames.set(format, names);
    const name = toolFormat(format).document === undefined || names.has(own) ? given : own;
    names.add(name);
    if (name !== own) tool.lose(own, LOSSES.renamed);
    await tool.add(detectedImage(found, name, withSlashes(relative(root, file))));
  }

  /** Removes overlays of the image in other formats, which are of an earlier prediction: they show other objects. */
  async #removeEarlier(image: string, stem: string): Promise<void> {
    const {folder, overlay, overwrite} = this.#output;
    const extension = pictureExtension(overlay.format);
    const {files, areOurs} = await earlierOverlays(folder, {stem, image, extension});
    for (const file of files) {
      const mayReplace = overwrite || !this.#ofImages.has(await identity(dirname(file)));
      (areOurs && mayReplace ? this.removed : this.kept).push(file);
      if (areOurs && mayReplace) await writing(file, () => rm(file));
    }
  }

  async #write(name: string, contents: string | Uint8Array): Promise<void> {
    const file = await this.#placeFor(name);
    await writing(file, () => writeFile(file, contents));
  }

  /** The path of a file whose folder is there. */
  async #placeFor(name: string): Promise<string> {
    const file = join(this.#output.folder, name);
    await writing(file, () => mkdir(dirname(file), {recursive: true}));
    return file;
  }
}

/** The file for one image in a format, relative to the output folder. */
function fileName(stem: string, format: Exclude<OwnFormat, SharedFormat>, {overlay}: PredictionOutput): string {
  const names = {
    overlay: `${stem}${OVERLAY_SUFFIX}${pictureExtension(overlay.format)}`,
    json: `${stem}.json`,
    labels: `${stem}${LABELS_SUFFIX}.png`,
    'labels-tiff': `${stem}${LABELS_SUFFIX}.tif`,
  };
  return names[format];
}

/** Gives all output files distinct names, even on file systems that ignore case, as on macOS and Windows. */
function nameImages(images: readonly ListedImage[], output: PredictionOutput): ImageFile[] {
  const taken = new Set(sharedNames(output));
  return images.map(({file, below}) => {
    const name = join(below, basename(file, extname(file)));
    let stem = name;
    const names = () => namesOf(stem, output).map((candidate) => candidate.toLowerCase());
    for (let number = 2; names().some((candidate) => taken.has(candidate)); number++) stem = `${name}-${number}`;
    for (const own of names()) taken.add(own);
    return {file, stem};
  });
}

function namesOf(stem: string, output: PredictionOutput): string[] {
  return output.formats.flatMap((format) => {
    // What a tool's file is called, or the image in it, begins so.
    if (isToolFormat(format)) return [join(format, stem)];
    return isShared(format) ? [] : [fileName(stem, format, output)];
  });
}

function sharedNames({formats}: PredictionOutput): string[] {
  return formats.flatMap((format) => (isShared(format) ? SHARED_NAMES[format] : []));
}

function isShared(format: Format): format is SharedFormat {
  return format in SHARED_NAMES;
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

/** Beside the images there may be annotations by hand, which can have the names of our files. */
async function requireNothingBeside(
  outputs: readonly string[],
  ofImages: ReadonlySet<string | undefined>,
): Promise<void> {
  for (const output of outputs) {
    if ((await identity(output)) === undefined || !ofImages.has(await identity(dirname(output)))) continue;
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `maskrcnn predict must not replace files beside the images, and ${output} is there.`,
      {hint: 'Name another folder with --output, or pass --overwrite if the files may be replaced.', file: output},
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

function withSlashes(path: string): string {
  return path.split(sep).join('/');
}

function toText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
