import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {csvLine} from '../basics/csv.js';
import {removeAbandoned, writeAll, writeAtomically} from '../files/atomic-file.js';
import {writing} from '../files/writing.js';
import type {RgbImage} from '../image/read-image.js';
import {measure} from '../measure/measure.js';
import {countsCsv, objectColumns, objectLines} from '../measure/tables.js';
import type {Detections} from '../model/predict.js';

/** The files of the format 'csv', which cover all images together. */
export const OBJECTS = 'objects.csv';
export const COUNTS = 'counts.csv';

/** Measures the detections of images, and writes tables of them when all images are done. */
export class MeasurementTables {
  readonly #micronsPerPixel: number | undefined;
  readonly #columns: string[];
  /** The lines of the table of objects, which take a fraction of the memory of the measurements. */
  readonly #lines: Buffer[] = [];
  readonly #found: {image: string; classNames: readonly string[]}[] = [];

  constructor(micronsPerPixel: number | undefined) {
    this.#micronsPerPixel = micronsPerPixel;
    this.#columns = objectColumns({detections: true, channels: 3, microns: micronsPerPixel !== undefined});
  }

  async add(file: string, image: RgbImage, found: Detections): Promise<void> {
    const options = this.#micronsPerPixel === undefined ? {} : {micronsPerPixel: this.#micronsPerPixel};
    const objects = await measure(image, found, options);
    this.#lines.push(Buffer.from(await objectLines({image: file, objects}, this.#columns)));
    this.#found.push({image: file, classNames: found.classNames});
  }

  /** Writes each table as a whole or not at all. Throws WRITE_FAILED. */
  async write(folder: string, classes: readonly string[]): Promise<void> {
    const counts = countsCsv(
      this.#found.map(({image, classNames}) => ({image, objects: classNames.map((name) => ({class: name}))})),
      classes,
    );
    await writing(folder, () => mkdir(folder, {recursive: true}));
    await writeTable(join(folder, OBJECTS), [Buffer.from(csvLine(this.#columns)), ...this.#lines]);
    await writeTable(join(folder, COUNTS), [Buffer.from(counts)]);
  }
}

async function writeTable(path: string, parts: readonly Buffer[]): Promise<void> {
  await removeAbandoned(path);
  await writeAtomically(path, async (file) => {
    for (const part of parts) await writeAll(file, part);
  });
}
