import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {stat} from 'node:fs/promises';
import {pipeline} from 'node:stream/promises';
import {MaskRcnnError} from '../../basics/errors.js';
import {requireSameKey, type WorkKey} from '../../files/work-key.js';
import type {PixelOptions} from '../../image/pixel-options.js';
import type {Views} from '../../model/predict-options.js';
import {completeTileOptions} from '../../model/tiles/options.js';
import {weightsAt} from '../../weights/run-weights.js';
import type {ListedImage} from '../image-files.js';
import type {PredictionOutput} from './output-files.js';
import {type PartHead, PartJournal} from './part-journal.js';
import type {TileFlags} from './tile-options.js';

/** What the objects and files of a part depend on. */
export type PartOf = {
  /** As on the command line. */
  weights: string;
  precision: string;
  /** All images, of all parts. */
  images: readonly ListedImage[];
  reading: PixelOptions;
  limits: {scoreThreshold: number; maxDetections?: number; views: Views};
  cut: TileFlags | undefined;
  output: PredictionOutput;
};

/** What must be the same in all parts, by names for messages. */
export async function partKey(part: PartOf): Promise<WorkKey> {
  const {precision, images, reading, limits, cut, output} = part;
  const {file} = await weightsAt(part.weights);
  const isFile = (await stat(file).catch(() => undefined))?.isFile() ?? false;
  const list = createHash('sha256');
  for (const image of images) list.update(`${image.file}\0${image.below}\0`);
  const tiles = cut && completeTileOptions(cut.tiles, 'maskrcnn predict');
  return {
    'file of weights': isFile ? `SHA-256 ${await digest(file)}` : part.weights,
    'list of images': `${images.length} images (SHA-256 ${list.digest('hex')})`,
    'way of reading images': JSON.stringify(reading),
    '--precision': precision,
    '--score-threshold': limits.scoreThreshold,
    '--max-detections': limits.maxDetections ?? null,
    '--views': limits.views,
    '--tiles': tiles?.size ?? null,
    '--overlap': tiles?.overlap ?? null,
    '--skip-blank': tiles?.skipBlank ?? null,
    '--level': cut?.scale.level ?? null,
    '--pixel-size': cut?.scale.micronsPerPixel ?? null,
    ...outputKey(output),
  };
}

/** What the files depend on besides the objects, by names for messages. */
export function outputKey({formats, overlay, onTop, micronsPerPixel}: PredictionOutput): WorkKey {
  return {
    '--save': formats.join(','),
    '--overlay-format': overlay.format,
    '--overlay-quality': overlay.quality ?? null,
    '--overlay-scale': overlay.scale ?? null,
    '--on-top': onTop,
    '--microns-per-pixel': micronsPerPixel ?? null,
  };
}

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/**
 * The journal of the part in `folder`: with `resume` what is there goes on, with `overwrite` it is replaced. Throws
 * INVALID_OPTION if neither is given and something is there, or if what goes on was begun otherwise; BUSY;
 * WRITE_FAILED.
 */
export async function openPart(
  folder: string,
  head: PartHead,
  {resume, overwrite}: {resume: boolean; overwrite: boolean},
): Promise<PartJournal> {
  if (!(await PartJournal.isThere(folder))) return PartJournal.begin(folder, head);
  if (!resume && overwrite) return PartJournal.begin(folder, head);
  if (!resume) {
    throw new MaskRcnnError('INVALID_OPTION', `${folder} has what an earlier prediction found.`, {
      file: folder,
      hint: 'Go on with --resume, or begin anew with --overwrite.',
    });
  }
  const journal = await PartJournal.open(folder);
  try {
    requireSameKey(journal.head.key, head.key, folder);
  } catch (error) {
    await journal.close();
    throw error;
  }
  return journal;
}
