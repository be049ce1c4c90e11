import {mkdir, rename, rm, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {csv} from '../../basics/csv.js';
import {drawDetections} from '../../draw/overlay.js';
import {pictureExtension} from '../../draw/picture-format.js';
import {DetectedObjects} from '../../evaluation/object-table.js';
import {writeResults} from '../../evaluation/results-file.js';
import type {Loss} from '../../export/losses.js';
import {writeTilesGeoJson} from '../../export/tiles-geojson.js';
import {writeTilesLabels} from '../../export/tiles-labels.js';
import {requireWritableFolder, writing} from '../../files/writing.js';
import {labelPng} from '../../image/label-png.js';
import {labelTiff} from '../../image/label-tiff.js';
import type {RgbImage} from '../../image/read-image.js';
import type {Detections} from '../../model/detections.js';
import {type DetectionsJson, detectionsToJson} from '../../model/detections-json.js';
import {detectionsToLabelsInTurns} from '../../model/detections-labels.js';
import type {ListedImage} from '../image-files.js';
import {isToolFormat, type ToolFormat} from '../tool-formats.js';
import {earlierOverlays} from './earlier-overlays.js';
import type {ImageRecord} from './image-record.js';
import {
  detectionsIn,
  joinDetections,
  type LargeImage,
  overviewOf,
  removeLeftovers,
  writeLargeJson,
} from './large-outputs.js';
import {MeasurementTables} from './measurement-tables.js';
import {identity, requireNoInput, requireNothingBeside, requirePngHolds} from './output-checks.js';
import {
  DOUBT,
  fileName,
  IMAGES,
  type ImageFile,
  imageNames,
  isToolTable,
  largeGeoJson,
  largeNames,
  nameImages,
  namesOf,
  type PredictionOutput,
  RESULTS,
  sharedNames,
  toText,
} from './output-files.js';
import {partOf, type Shard} from './shard.js';
import {ToolFiles} from './tool-files.js';

/** Writes the detections on images to a folder. */
export class PredictionWriter {
  /** The images. Files of several images have them in the order in which they are added. */
  readonly images: readonly ImageFile[];
  readonly #output: PredictionOutput;
  readonly #detected = new DetectedObjects();
  readonly #tables: MeasurementTables;
  readonly #added: {id: number; file_name: string; width: number; height: number; doubt?: number}[] = [];
  #isHalfAdded = false;
  /** Identities of the folders of the images. */
  readonly #ofImages: ReadonlySet<string | undefined>;
  /** Overlays of another format that are of an earlier prediction on the same image, and were removed. */
  readonly removed: string[] = [];
  /** Overlays of another format that stay, because it is not known whose they are. */
  readonly kept: string[] = [];
  /** The files in the formats of annotation tools. */
  readonly #tools: ToolFiles;

  private constructor(
    output: PredictionOutput,
    images: readonly ImageFile[],
    ofImages: ReadonlySet<string | undefined>,
  ) {
    this.#output = output;
    this.#tools = new ToolFiles(output.folder);
    this.#tables = new MeasurementTables(output.micronsPerPixel);
    this.images = images;
    this.#ofImages = ofImages;
  }

  /**
   * Chooses a name for each output file, without creating anything yet. A part has the names that its images have among
   * all. Throws INVALID_OPTION if an output file would replace an input image or, without `overwrite`, any file beside
   * the images; and WRITE_FAILED if the folder is not writable.
   */
  static async plan(
    output: PredictionOutput,
    listed: readonly ListedImage[],
    shard?: Shard | undefined,
  ): Promise<PredictionWriter> {
    return PredictionWriter.planned(output, partOf(nameImages(listed, output), shard));
  }

  /** As `plan()`, for images whose files have names already. */
  static async planned(output: PredictionOutput, images: readonly ImageFile[]): Promise<PredictionWriter> {
    const {folder} = output;
    await requireWritableFolder(folder);
    const names = [...sharedNames(output), ...images.flatMap(({stem}) => namesOf(stem, output))];
    const outputs = names.map((name) => join(folder, name));
    const inputs = images.map(({file}) => file);
    await requireNoInput(folder, outputs, inputs);
    const ofImages = new Set(await Promise.all([...new Set(inputs.map((input) => dirname(input)))].map(identity)));
    if (!output.overwrite) await requireNothingBeside(outputs, ofImages);
    return new PredictionWriter(output, images, ofImages);
  }

  /** The number of images added so far. */
  get added(): number {
    return this.#added.length;
  }

  /** Whether adding an image failed when some files of all images had it. They cannot be finished. */
  get isHalfAdded(): boolean {
    return this.#isHalfAdded;
  }

  /**
   * Writes the files of one image. `classes`: those of the model; `page` and `doubt`: those of the image. Returns what
   * it contributes to the files of all images. Throws INVALID_IMAGE if it cannot be read again, and INVALID_MASK if a
   * format cannot hold its objects; then nothing of it is written.
   */
  async add(
    {file, stem}: ImageFile,
    image: RgbImage,
    found: Detections,
    {classes, page, doubt}: {classes: readonly string[]; page: number | undefined; doubt?: number | undefined},
  ): Promise<ImageRecord> {
    const {width, height} = found;
    const {formats, overlay, onTop} = this.#output;
    const doubted = doubt === undefined ? {} : {doubt};
    const {objects, ...about} = detectionsToJson({...found, file});
    const json: DetectionsJson = {...about, ...doubted, objects};
    if (formats.includes('labels')) requirePngHolds(found, file);
    // Before anything is written, because it may throw INVALID_IMAGE.
    const measured = formats.includes('csv') ? await this.#tables.measure({file, page}, image, found) : undefined;
    if (formats.includes('overlay')) {
      const picture = await drawDetections(image, found, {...overlay, ids: true});
      await this.#write(fileName(stem, 'overlay', this.#output), picture);
      await this.#removeEarlier(file, stem); // before NAME.json is replaced
    }
    if (formats.includes('labels') || formats.includes('labels-tiff')) {
      const {labels, missing} = await detectionsToLabelsInTurns(found, {onTop});
      json.labels = {onTop, missing};
      if (formats.includes('labels')) {
        const png = await labelPng(labels, width, height);
        await this.#write(fileName(stem, 'labels', this.#output), png);
      }
      if (formats.includes('labels-tiff')) {
        await this.#write(fileName(stem, 'labels-tiff', this.#output), await labelTiff(labels, width, height));
      }
    }
    if (formats.includes('json')) await this.#write(fileName(stem, 'json', this.#output), toText(json));
    const blocks = this.#needsObjects ? [found] : [];
    const missing = json.labels?.missing ?? [];
    const record = {file, stem, width, height, isLarge: false, found: blocks, measured, missing, ...doubted};
    await this.addWritten(record, classes);
    return record;
  }

  /**
   * Writes the files of a large image, as `add()`. No other process may write them at the time. Throws INVALID_IMAGE if
   * it cannot be read again.
   */
  async addLarge({file, stem}: ImageFile, image: LargeImage, classes: readonly string[]): Promise<ImageRecord> {
    const {formats, overlay, onTop, folder} = this.#output;
    await removeLeftovers(largeNames(stem, this.#output).map((name) => join(folder, name)));
    const {width, height, downsample} = image.source;
    const measured = formats.includes('csv') ? await this.#tables.measureLarge(image) : undefined;
    const found: Detections[] = [];
    const needsMasks = formats.some((format) => format === 'coco' || isToolTable(format));
    if (needsMasks) for await (const block of detectionsIn(image)) found.push(block);
    if (formats.includes('overlay')) {
      await this.#write(fileName(stem, 'overlay', this.#output), await overviewOf(image, overlay));
      await this.#removeEarlier(file, stem); // before NAME.json is replaced
    }
    if (formats.includes('geojson')) {
      const path = await this.#placeFor(largeGeoJson(stem));
      await writing(path, () => writeTilesGeoJson(path, image.objects(), {downsample}));
    }
    if (formats.includes('labels-tiff')) {
      const path = await this.#placeFor(fileName(stem, 'labels-tiff', this.#output));
      const {micronsPerPixel} = image.source;
      await writing(path, () => writeTilesLabels(path, image.objects(), {width, height, micronsPerPixel, onTop}));
    }
    if (formats.includes('json')) {
      const path = await this.#placeFor(fileName(stem, 'json', this.#output));
      await writing(path, () => writeLargeJson(path, image));
    }
    const record = {file, stem, width, height, isLarge: true, found, measured, missing: []};
    await this.addWritten(record, classes);
    return record;
  }

  /** Adds an image whose own files are there already to the files of all images. */
  async addWritten(record: ImageRecord, classes: readonly string[]): Promise<void> {
    const {formats} = this.#output;
    const {file, width, height, found, measured, isLarge, doubt} = record;
    const doubted = doubt === undefined ? {} : {doubt};
    const index = this.#added.length;
    this.#isHalfAdded = true;
    if (measured !== undefined) this.#tables.add(file, measured);
    if (formats.includes('coco')) for (const block of found) this.#detected.addDetections(index, block);
    // GeoJSON of a large image is written from the tiles.
    const tools = formats.filter((format): format is ToolFormat => (isLarge ? isToolTable : isToolFormat)(format));
    const all = tools.length > 0 ? joinDetections(record, found) : undefined;
    for (const format of tools) await this.#tools.add(format, record, all!, {classes, ...doubted});
    this.#added.push({id: index + 1, file_name: file, width, height, ...doubted});
    this.#isHalfAdded = false;
  }

  /**
   * Moves the files of an image from `folder`, where a part was written, and adds it to the files of all images. Files
   * that were moved before are left. Throws WRITE_FAILED if a file is nowhere.
   */
  async addMoved(record: ImageRecord, folder: string, classes: readonly string[]): Promise<void> {
    const {file, stem, isLarge} = record;
    const {formats} = this.#output;
    if (formats.includes('overlay')) await this.#removeEarlier(file, stem); // before NAME.json is replaced
    for (const name of isLarge ? largeNames(stem, this.#output) : imageNames(stem, this.#output)) {
      await this.#move(join(folder, name), name);
    }
    await this.addWritten(record, classes);
  }

  /** Writes the files that cover all images, if any image was added. `classes` are those of the network. */
  async close(classes: readonly string[]): Promise<void> {
    const {formats, folder} = this.#output;
    await this.#tools.close();
    if (this.#added.length === 0) return;
    if (formats.includes('csv')) await this.#tables.write(folder, classes);
    if (this.#output.doubt) {
      await this.#write(
        DOUBT,
        csv([['image', 'doubt'], ...this.#added.map(({file_name, doubt}) => [file_name, doubt])]),
      );
    }
    if (!formats.includes('coco')) return;
    await this.#write(IMAGES, toText(this.#added));
    const names = {imageId: (index: number) => index + 1, categoryId: (label: number) => label};
    await writeResults(join(folder, RESULTS), this.#detected, names, (index) => this.#added[index]!);
  }

  /** Removes files of several images that are not whole. */
  async abort(): Promise<void> {
    await this.#tools.abort();
  }

  /** What the formats of annotation tools cannot hold, by their names for people. */
  get losses(): {format: string; loss: Loss}[] {
    return this.#tools.losses;
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

  /** Whether a file of all images needs the objects. */
  get #needsObjects(): boolean {
    return this.#output.formats.some((format) => format === 'coco' || isToolFormat(format));
  }

  async #move(from: string, name: string): Promise<void> {
    const file = await this.#placeFor(name);
    await writing(file, async () => {
      await rename(from, file).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT' || (await identity(file)) === undefined) throw error;
      });
    });
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
