/**
 * Changes the files of annotation tools at random and opens them. A reader may refuse a file with a MaskRcnnError, or
 * read what is left. Any other error, an answer that takes more than 10 seconds, or more than 1 GB of memory is a
 * fault.
 *
 *   npx tsx scripts/fuzz-readers.ts [--mutations 100000] [--seed 0] [--format NAME]...
 *
 * The files are those that this package writes of a small drawn data set, in every format. Prints how the mutations
 * ended, by format, and the seed of each fault, and ends with 1 if there is any.
 */
import {copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {basename, dirname, extname, join} from 'node:path';
import {parseArgs} from 'node:util';
import sharp from 'sharp';
import {MaskRcnnError} from '../lib/basics/errors.js';
import {Random} from '../lib/basics/random.js';
import type {Dataset} from '../lib/datasets/dataset.js';
import {openDataset} from '../lib/datasets/open-dataset.js';
import {convertDataset} from '../lib/export/convert-dataset.js';
import {EXPORT_FORMATS, type ExportFormatName} from '../lib/export/formats.js';
import {mutated} from './fuzz/mutated.js';

const {values} = parseArgs({
  options: {
    mutations: {type: 'string', default: '100000'},
    seed: {type: 'string', default: '0'},
    format: {type: 'string', multiple: true, default: EXPORT_FORMATS.map(({key}) => key)},
  },
});
const SLOWEST_MS = 10_000;
const MOST_BYTES = 2 ** 30;
const SIDE = 24;

/** Three images of 24 × 24 pixels with objects of all kinds: with a hole, of two parts, of one pixel, a box alone. */
async function drawn(folder: string): Promise<Dataset> {
  const files = [0, 1, 2].map((i) => join(folder, `image ${i}.png`));
  for (const file of files) {
    await sharp({create: {width: SIDE, height: SIDE, channels: 3, background: '#777'}}).toFile(file);
  }
  const shapes: ((x: number, y: number) => boolean)[] = [
    (x, y) => Math.abs(Math.hypot(x - 11, y - 11) - 6) < 2,
    (x, y) => y < 4 && (x < 5 || x > 18),
    (x, y) => x === 20 && y === 20,
  ];
  const masks = shapes.map((isInside) => ({
    ...{left: 0, top: 0, width: SIDE, height: SIDE},
    data: Uint8Array.from({length: SIDE * SIDE}, (_, i) => Number(isInside(i % SIDE, Math.floor(i / SIDE)))),
  }));
  const image = {data: new Uint8Array(3 * SIDE * SIDE).fill(119), width: SIDE, height: SIDE};
  return {
    length: files.length,
    classes: ['cell', 'gland & "x"'],
    sources: (i) => [files[i]!],
    get: async (i) => ({
      file: files[i]!,
      image,
      instances: [
        ...masks.slice(0, 3 - i).map((mask, k) => ({label: 1 + (k % 2), box: [0, 0, SIDE, SIDE] as const, mask})),
        {label: 2, box: [2, 3, 9.5, 8] as const},
      ].map((instance) => ({...instance, box: [...instance.box] as [number, number, number, number]})),
    }),
  };
}

/** All files below a folder that are no images, except label masks. */
async function annotationFiles(folder: string, format: string): Promise<string[]> {
  const entries = await readdir(folder, {recursive: true, withFileTypes: true});
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const isMask = (file: string) => format.startsWith('masks') && dirname(file).endsWith('masks');
  return files.filter((file) => extname(file) !== '.png' || isMask(file));
}

/** 'read', 'refused', or what is wrong. */
async function outcome(path: string): Promise<string> {
  const began = performance.now();
  try {
    const data = await openDataset(path);
    for (let i = 0; i < Math.min(data.length, 3); i++) await (data.truth === undefined ? data.get(i) : data.truth(i));
    return performance.now() - began > SLOWEST_MS ? 'slow' : 'read';
  } catch (error) {
    if (performance.now() - began > SLOWEST_MS) return 'slow';
    return error instanceof MaskRcnnError ? 'refused' : `threw ${(error as Error).stack ?? error}`;
  }
}

const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-fuzz-'));
let faults = 0;
try {
  await mkdir(join(folder, 'images'));
  const data = await drawn(join(folder, 'images'));
  const each = Math.ceil(Number(values.mutations) / values.format.length);
  for (const format of values.format) {
    const path = join(folder, format);
    await convertDataset(data, path, {format: format as ExportFormatName});
    const files = await annotationFiles(path, format);
    const originals = await Promise.all(files.map((file) => readFile(file)));
    const counts = new Map<string, number>();
    for (let number = 0; number < each; number++) {
      const random = new Random(Number(values.seed), number);
      const which = random.integer(files.length);
      await writeFile(files[which]!, mutated(originals[which]!, random));
      const found = await outcome(path);
      const kind = found.split('\n')[0]!;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      if (found !== 'read' && found !== 'refused') {
        faults++;
        console.log(`${format}, mutation ${number} of ${basename(files[which]!)}: ${found}`);
        await copyFile(files[which]!, join(tmpdir(), `fuzz-${format}-${number}${extname(files[which]!)}`));
      }
      await writeFile(files[which]!, originals[which]!);
    }
    const {rss} = process.memoryUsage();
    if (rss > MOST_BYTES) faults++;
    console.log(
      `${format}: ${[...counts].map(([kind, count]) => `${count} ${kind}`).join(', ')}; ${Math.round(rss / 1e6)} MB`,
    );
  }
} finally {
  await rm(folder, {recursive: true});
}
process.exitCode = faults === 0 ? 0 : 1;
