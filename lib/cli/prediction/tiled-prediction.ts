import {stat} from 'node:fs/promises';
import {basename, join, resolve} from 'node:path';
import {MaskRcnnError} from '../../basics/errors.js';
import type {Progress, ProgressState} from '../../basics/progress.js';
import {count, formatDuration} from '../../basics/wording.js';
import {MOST_BRUSH_PIXELS} from '../../export/formats/label-studio-brush.js';
import type {WorkKey} from '../../files/work-key.js';
import type {PixelOptions} from '../../image/pixel-options.js';
import type {RgbImage} from '../../image/read-image.js';
import {regionsOfImage} from '../../image/regions/image-regions.js';
import {openRegions, readLevels} from '../../image/regions/open-regions.js';
import type {RegionSource} from '../../image/regions/region-source.js';
import {MOST_MASK_PIXELS} from '../../masks/placed-mask.js';
import type {Detections} from '../../model/detections.js';
import type {MaskRcnn} from '../../model/model.js';
import {detectionsOfTiles} from '../../model/tiles/detections-of-tiles.js';
import {completeTileOptions, type TileOptions} from '../../model/tiles/options.js';
import {TileJournal} from '../../model/tiles/tile-journal.js';
import type {TileProgress} from '../../model/tiles/tile-progress.js';
import type {TiledObject} from '../../model/tiles/tiled-object.js';
import {weightsAt} from '../../weights/run-weights.js';
import {TOOL_FORMATS} from '../tool-formats.js';
import type {TileFlags} from './tile-options.js';

/** Images of more pixels are read region by region, and what is found is kept on the disk: 50 MB of pixels. */
const MOST_IN_MEMORY = 4096 * 4096;

/** The formats that are written of an image that is not in memory. */
export const LARGE_FORMATS = ['overlay', 'json', 'coco', 'csv', 'geojson', 'labels-tiff'] as const;

/** Those that are, too, if the pixels are those of the image file, to which their coordinates refer. */
const AT_FULL_RESOLUTION: readonly string[] = TOOL_FORMATS.filter((name) => name !== 'geojson');

/** What tells an image file from another one at the same path. */
const [DATE, BYTES] = ['date of the image', 'bytes of the image'];

/** The most pixels that an image can have in a format; undefined: any number. */
function mostPixelsIn(format: string): number | undefined {
  if (format === 'label-studio') return MOST_BRUSH_PIXELS;
  const hasWholeMasks = ['json', 'coco'].includes(format) || AT_FULL_RESOLUTION.includes(format);
  return hasWholeMasks ? MOST_MASK_PIXELS : undefined;
}

/**
 * Whether an image is predicted from its file, not from memory. Throws INVALID_OPTION if it must, and a format cannot
 * be written of it. An image that cannot be read is not, so that the reader tells it.
 */
export async function isLarge(
  file: string,
  {scale}: TileFlags,
  {formats, page}: {formats: readonly string[]; page: number | undefined},
): Promise<boolean> {
  const found = await readLevels(file, {page}).catch((error: MaskRcnnError) => {
    if (error.code === 'INVALID_IMAGE') return undefined;
    throw error;
  });
  if (found === undefined) return false;
  const {width, height} = found.levels[scale.level ?? 0] ?? found.levels[0]!;
  const hasScale = Object.keys(scale).length > 0;
  if (!hasScale && width * height <= MOST_IN_MEMORY) return false;
  const what = hasScale ? `${file} with --level or --pixel-size` : `${file} of ${width} × ${height} pixels`;
  const isFull = scale.micronsPerPixel === undefined && (scale.level ?? 0) === 0;
  const written: readonly string[] = [...LARGE_FORMATS, ...(isFull ? AT_FULL_RESOLUTION : [])];
  const other = formats.find((name) => !written.includes(name));
  if (other !== undefined) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option --save of maskrcnn predict must be of ${written.join(', ')} for ${what}, got ${other}.`,
      {file, ...(other === 'labels' && {hint: 'Save labels-tiff, which has the same numbers in a pyramid.'})},
    );
  }
  const factor = scale.micronsPerPixel === undefined ? 1 : (found.micronsPerPixel ?? 0) / scale.micronsPerPixel;
  const pixels = width * height * factor ** 2;
  const tooSmall = formats.find((name) => pixels > (mostPixelsIn(name) ?? Infinity));
  if (tooSmall !== undefined) {
    const most = mostPixelsIn(tooSmall);
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option --save of maskrcnn predict must not have ${tooSmall} for ${what}: its masks have at most ${most} pixels.`,
      {file, hint: 'Save geojson, csv, labels-tiff and overlay, which take images of any size.'},
    );
  }
  return true;
}

/** The objects of an image that is in memory, found tile by tile. */
export async function predictInTiles(
  network: MaskRcnn,
  pixels: RgbImage,
  file: string,
  options: TileOptions,
): Promise<Detections> {
  const objects: TiledObject[] = [];
  for await (const object of network.predictTiles(regionsOfImage(pixels, file), options)) objects.push(object);
  return detectionsOfTiles(objects, {width: pixels.width, height: pixels.height, file});
}

/** The folder of what was found so far of an image. `stem`: of its files in the output folder. */
export function journalFolder(output: string, stem: string): string {
  return join(output, `${stem}.tiles`);
}

/** Throws INVALID_OPTION if work on an image was begun that would be lost. */
export async function requireNothingBegun(folder: string, file: string): Promise<void> {
  if (!(await TileJournal.isThere(folder))) return;
  throw new MaskRcnnError('INVALID_OPTION', `${folder} has what an earlier prediction of ${file} found.`, {
    file,
    hint: 'Go on with --resume, or begin anew with --overwrite.',
  });
}

/** What the work on a large image needs. */
export type LargeWork = {
  network: MaskRcnn;
  /** As on the command line. */
  weights: string;
  file: string;
  folder: string;
  flags: TileFlags;
  reading: PixelOptions;
  limits: Pick<TileOptions, 'scoreThreshold' | 'maxDetections' | 'views'> & {signal: AbortSignal};
  progress: Progress;
  state: ProgressState;
  /** The least time between two checkpoints, in milliseconds. Default 5000. */
  checkpointMs?: number;
};

/** What was found on a large image. Both are to be closed. */
type LargeFound = {source: RegionSource; journal: TileJournal};

/** The journal of a large image, which is to be closed. Throws as `TileJournal.open()` does. */
export async function openJournal(work: LargeWork): Promise<TileJournal> {
  return TileJournal.open(work.folder, await keyOf(work));
}

/**
 * Finds the objects of a large image, or those that a run before has not found yet. What was found is on the disk, also
 * after an error.
 */
export async function predictLarge(work: LargeWork, journal?: TileJournal): Promise<LargeFound> {
  const {file, folder, flags, reading, progress, state} = work;
  const opened = journal ?? (await openJournal(work));
  let source: RegionSource | undefined;
  try {
    source = await openRegions(file, {...reading, ...flags.scale});
    if (opened.from !== undefined) {
      const {done} = opened.from;
      progress.say(`${file}: going on after ${count(done, 'tile')} and ${count(opened.objects, 'object')}.`);
    }
    if (!opened.isDone) await findRest(work, source, opened, state);
    return {source, journal: opened};
  } catch (error) {
    await source?.close();
    await opened.close();
    if (!(await TileJournal.isThere(folder))) await TileJournal.remove(folder); // no tile was done
    throw error;
  }
}

async function findRest(
  {network, file, flags, limits, progress, checkpointMs = 5000}: LargeWork,
  source: RegionSource,
  journal: TileJournal,
  state: ProgressState,
): Promise<void> {
  let unsaved: TiledObject[] = [];
  let saving: Promise<void> | undefined;
  let failure: unknown;
  let saved = performance.now();
  let last: TileProgress | undefined;
  const onTile = (tile: TileProgress) => {
    last = tile;
    progress.update({...state, label: `Predicting ${basename(file)}`, ...tileState(tile)});
    if (failure !== undefined) throw failure;
    if (saving !== undefined || performance.now() - saved < checkpointMs) return;
    saving = journal.save(unsaved, tile.state()).then(
      () => {
        saving = undefined;
        saved = performance.now();
      },
      (error) => {
        failure = error;
      },
    );
    unsaved = [];
  };
  const options = {...flags.tiles, ...limits, onTile, ...(journal.from !== undefined && {from: journal.from})};
  try {
    for await (const object of network.predictTiles(source, options)) unsaved.push(object);
  } catch (error) {
    await saving;
    // A damaged file may be replaced by a good copy, to go on with that.
    if (error instanceof MaskRcnnError && error.code === 'INVALID_IMAGE') journal.allowAny([DATE, BYTES]);
    if (last !== undefined && failure === undefined) await journal.save(unsaved, last.state());
    throw error;
  }
  await saving;
  await journal.save(unsaved, null, {tiles: last?.total ?? 0, blank: last?.blank ?? 0});
}

function tileState({done, total, objects, tilesPerSecond}: TileProgress): Omit<ProgressState, 'label'> {
  const left = formatDuration((total - done) / tilesPerSecond);
  const notes = [count(objects, 'object'), `${left} to go`, `${tilesPerSecond.toFixed(1)} tiles/s`];
  return {done, total, unit: 'count', notes};
}

/** What must be the same if work goes on that was begun before. */
async function keyOf({weights, file, flags, reading, limits}: LargeWork): Promise<WorkKey> {
  const {size, overlap, skipBlank} = completeTileOptions(flags.tiles, 'maskrcnn predict');
  const {scoreThreshold, maxDetections, views} = limits;
  const {file: path} = await weightsAt(weights);
  const onDisk = await stat(path).catch(() => undefined);
  const image = await stat(file);
  return {
    image: resolve(file),
    [DATE]: image.mtimeMs,
    [BYTES]: image.size,
    weights: onDisk === undefined ? weights : resolve(path),
    'date of the weights': onDisk?.mtimeMs ?? null,
    '--tiles': size,
    '--overlap': overlap,
    '--skip-blank': skipBlank ?? null,
    '--level': flags.scale.level ?? null,
    '--pixel-size': flags.scale.micronsPerPixel ?? null,
    '--score-threshold': scoreThreshold ?? null,
    '--max-detections': maxDetections ?? null,
    '--views': views ?? null,
    'way of reading the image': JSON.stringify(reading),
  };
}
