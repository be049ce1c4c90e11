import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {csvLine} from '../../basics/csv.js';
import {removeAbandoned, writeAll, writeAtomically} from '../../files/atomic-file.js';
import {writing} from '../../files/writing.js';
import type {RgbImage} from '../../image/read-image.js';
import {isAsStored, readStored} from '../../image/read-stored.js';
import {measure} from '../../measure/measure.js';
import {measureTiles} from '../../measure/measure-tiles.js';
import {INTENSITY_COLUMNS, micronName, type ObjectMeasurements} from '../../measure/measurements.js';
import {countsCsv, objectColumns, objectLines} from '../../measure/tables.js';
import type {Detections} from '../../model/detections.js';
import type {LargeImage} from './large-outputs.js';
import {joinPacked, type PackedObjects, packObjects, unpackObjects} from './packed-objects.js';

/** The files of the format 'csv', which cover all images together. */
export const OBJECTS = 'objects.csv';
export const COUNTS = 'counts.csv';

/** Objects of a large image that are packed together. */
const AT_A_TIME = 1024;

/** Channels of the pixels of a large image. */
const RGB = 3;

/** An image file, and the page of it that is measured. */
type Source = {file: string; page: number | undefined};

/** Measures the detections of images, and writes tables of those that were added when all images are done. */
export class MeasurementTables {
  readonly #micronsPerPixel: number | undefined;
  /** Lines are written at the end: the largest number of channels, and so the columns, are known only then. */
  readonly #found: (PackedObjects & {image: string})[] = [];
  /** The columns that any image has. */
  readonly #names = new Set<string>();

  constructor(micronsPerPixel: number | undefined) {
    this.#micronsPerPixel = micronsPerPixel;
  }

  /**
   * Measures the objects of a file that `readImage()` has read as `image`. Intensities are the stored numbers, so most
   * files that are not 8-bit RGB are read again. Throws INVALID_IMAGE.
   */
  async measure({file, page}: Source, image: RgbImage, found: Detections): Promise<PackedObjects> {
    const options = this.#micronsPerPixel === undefined ? {} : {micronsPerPixel: this.#micronsPerPixel};
    const {data, width, height, channels} = isAsStored(image)
      ? {...image, channels: 3}
      : await readStored(file, {name: file, page});
    const objects = await measure({data, width, height, channels, file}, found, options);
    return packObjects(objects, columnsOf(channels, this.#micronsPerPixel !== undefined));
  }

  /**
   * Measures the objects of a large image, one by one. Intensities are those of its 8-bit RGB pixels. Throws
   * INVALID_IMAGE.
   */
  async measureLarge({source, objects}: LargeImage): Promise<PackedObjects> {
    const options = this.#micronsPerPixel === undefined ? {} : {micronsPerPixel: this.#micronsPerPixel};
    const columns = columnsOf(RGB, (this.#micronsPerPixel ?? source.micronsPerPixel) !== undefined);
    const blocks: PackedObjects[] = [];
    let block: ObjectMeasurements[] = [];
    for await (const object of measureTiles(objects(), source, options)) {
      if (block.push(object) < AT_A_TIME) continue;
      blocks.push(await packObjects(block, columns));
      block = [];
    }
    blocks.push(await packObjects(block, columns));
    return joinPacked(blocks);
  }

  /** Adds the measurements of an image. */
  add(image: string, measured: PackedObjects): void {
    this.#found.push({image, ...measured});
    for (const name of measured.columns) this.#names.add(name);
  }

  /** Writes each table as a whole or not at all. Throws WRITE_FAILED. */
  async write(folder: string, classes: readonly string[]): Promise<void> {
    const counts = countsCsv(
      this.#found.map(({image, classNames}) => ({image, objects: classNames.map((name) => ({class: name}))})),
      classes,
    );
    await writing(folder, () => mkdir(folder, {recursive: true}));
    await writeTable(join(folder, OBJECTS), this.#objectLines());
    await writeTable(join(folder, COUNTS), [counts]);
  }

  #columns(): string[] {
    let channels = 0;
    while (this.#names.has(`${INTENSITY_COLUMNS[0]}-${channels}`)) channels++;
    return columnsOf(channels, this.#names.has(micronName('area')!));
  }

  async *#objectLines(): AsyncGenerator<string> {
    const columns = this.#columns();
    yield csvLine(columns);
    for (const {image, ...packed} of this.#found) {
      yield await objectLines({image, objects: await unpackObjects(packed)}, columns);
    }
  }
}

const columnsOf = (channels: number, microns: boolean) => objectColumns({detections: true, channels, microns});

async function writeTable(path: string, parts: Iterable<string> | AsyncIterable<string>): Promise<void> {
  await removeAbandoned(path);
  await writeAtomically(path, async (file) => {
    for await (const part of parts) await writeAll(file, Buffer.from(part));
  });
}
