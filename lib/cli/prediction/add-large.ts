import {join} from 'node:path';
import {count} from '../../basics/wording.js';
import {requireSameKey} from '../../files/work-key.js';
import type {TileJournal} from '../../model/tiles/tile-journal.js';
import {type ImageRecord, recordFromLines, recordToLines} from './image-record.js';
import {identity} from './output-checks.js';
import {type ImageFile, largeNames, type PredictionOutput} from './output-files.js';
import {outputKey} from './part.js';
import type {PredictionWriter} from './prediction-writer.js';
import {type LargeWork, openJournal, predictLarge} from './tiled-prediction.js';

/** Where the objects of a large image go, and what is printed of them. */
export type LargeTarget = {
  writer: PredictionWriter;
  output: PredictionOutput;
  /** Those of the network. */
  classes: readonly string[];
  out: (line: string) => void;
};

/**
 * Finds the objects of a large image, writes its files and then marks its journal as finished. An image that a run
 * before has finished is only added to the files of all images. Throws as `predictLarge()`, `openJournal()` and
 * `PredictionWriter.addLarge()` do, and INVALID_OPTION if its files were made otherwise.
 */
export async function addLarge(image: ImageFile, work: LargeWork, target: LargeTarget): Promise<ImageRecord> {
  const {writer, output, classes, out} = target;
  const {file, reading, folder} = work;
  const opened = await openJournal(work);
  const earlier = await finishedBefore(opened, image, folder, target);
  if (earlier !== undefined) {
    await opened.close();
    await writer.addWritten(earlier, classes);
    out(`${file}: ${count(opened.objects, 'object')}, written before`);
    return earlier;
  }
  const {source, journal} = await predictLarge(work, opened);
  try {
    const record = await writer.addLarge(image, {source, reading, objects: () => journal.read()}, classes);
    await journal.finish(outputKey(output), recordToLines(record));
    const {blank, tiles} = journal.tally ?? {blank: 0, tiles: 0};
    const said = count(journal.objects, 'object');
    out(`${file}: ${said}${blank === 0 ? '' : `; ${blank} of ${count(tiles, 'tile')} were blank`}`);
    return record;
  } finally {
    await journal.close();
    await source.close();
  }
}

/** What a run before has written of the image; undefined if it did not, or a file is gone: then it begins anew. */
async function finishedBefore(
  journal: TileJournal,
  image: ImageFile,
  folder: string,
  {output, classes}: LargeTarget,
): Promise<ImageRecord | undefined> {
  if (journal.written === undefined) return undefined;
  try {
    requireSameKey(journal.written, outputKey(output), folder);
    const record = (await areThere(image, output)) ? await recordFromLines(journal.lines(), classes) : undefined;
    if (record === undefined) await journal.restart();
    return record;
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/** Whether all files that `PredictionWriter.addLarge()` writes of an image are there. */
async function areThere({stem}: ImageFile, output: PredictionOutput): Promise<boolean> {
  const found = await Promise.all(largeNames(stem, output).map((name) => identity(join(output.folder, name))));
  return !found.includes(undefined);
}
