import type {FileHandle} from 'node:fs/promises';
import type {SharpOptions} from 'sharp';
import {Undecodable} from '../bytes.js';
import {detectFormat} from '../format.js';
import {loadSharp} from '../load-sharp.js';
import {readImage} from '../read-image.js';
import {TAG} from '../tiff.js';
import {codecFault} from '../tiff-faults.js';
import {ZSTANDARD} from '../tiff-layout.js';
import {micronsOf} from './microns.js';
import {upright} from './oriented.js';
import type {RegionPixels, RegionSource} from './region-source.js';
import {openTemporaryCopy} from './temporary-copy.js';
import {blocksOf} from './tiff-blocks.js';
import {levelsOf, type TiffLevel} from './tiff-levels.js';
import {TiffPixels} from './tiff-pixels.js';
import {TiffReader} from './tiff-reader.js';

/** What is known of an image before one of its levels is chosen. */
export type OpenedImage = {
  levels: RegionSource['levels'];
  /** Length of the side of a pixel of level 0 in µm, if the file says it. */
  microns: number | undefined;
  /** Opens the pixels of a level. What has to be closed after use is added to `handles`. */
  open(level: number, handles: FileHandle[]): Promise<RegionPixels>;
};

/** Looks into a file. Throws an Error with the reason. */
export async function openImage(file: string, handle: FileHandle): Promise<OpenedImage> {
  const beginning = new Uint8Array(16);
  const {bytesRead} = await handle.read(beginning, 0, 16, 0);
  const format = detectFormat(beginning.subarray(0, bytesRead));
  if (format === undefined) {
    throw new Undecodable('it is no TIFF, JPEG, PNG, WebP, BMP, GIF or AVIF', {
      hint: 'The content decides, not the name of the file.',
    });
  }
  return format === 'tiff' ? openTiff(file, handle) : openOther(file, format === 'bmp');
}

async function openTiff(file: string, handle: FileHandle): Promise<OpenedImage> {
  const reader = await TiffReader.open(handle);
  const levels = await levelsOf(reader);
  const {page} = levels[0]!;
  const orientation = await reader.first(page, TAG.orientation, 1);
  const turns = orientation >= 5;
  return {
    levels: levels.map(({width, height, downsample}) =>
      turns ? {width: height, height: width, downsample} : {width, height, downsample},
    ),
    microns: await micronsOf(reader, page),
    async open(index, handles) {
      const level = levels[index]!;
      const compression = await reader.first(level.page, TAG.compression, 1);
      const fault = codecFault(compression);
      if (fault !== undefined && compression !== ZSTANDARD) throw fault;
      const blocks = await blocksOf(reader, level);
      const pixels =
        blocks === undefined
          ? await copied(file, {...level, open: {page: level.at.page, tiff: {subifd: level.at.subifd}}}, handles)
          : await TiffPixels.open(file, reader, level, blocks);
      return upright(pixels, orientation);
    },
  };
}

async function openOther(file: string, isBmp: boolean): Promise<OpenedImage> {
  const sharp = await loadSharp();
  const image = isBmp ? await readImage(file) : undefined;
  const metadata = image ?? (await sharp(file, UNLIMITED).metadata());
  const orientation = (image === undefined && 'orientation' in metadata && metadata.orientation) || 1;
  const {width, height} = metadata;
  const size = orientation >= 5 ? {width: height, height: width} : {width, height};
  return {
    levels: [{...size, downsample: 1}],
    microns: undefined,
    async open(_, handles) {
      return upright(await copied(file, {width, height, ...(image && {data: image.data})}, handles), orientation);
    },
  };
}

/** Large images are what regions are for. The rows are decoded one after another, so that they need little memory. */
const UNLIMITED: SharpOptions = {failOn: 'error', limitInputPixels: false, sequentialRead: true, ignoreIcc: true};

/** The pixels of a temporary copy. `data`: the pixels, if sharp cannot decode the file. */
async function copied(
  file: string,
  {width, height, data, open}: {width: number; height: number; data?: Uint8Array; open?: SharpOptions},
  handles: FileHandle[],
): Promise<TiffPixels> {
  const sharp = await loadSharp();
  const image =
    data === undefined
      ? sharp(file, {...UNLIMITED, ...open})
      : sharp(data, {raw: {width, height, channels: 3}, limitInputPixels: false});
  const handle = await openTemporaryCopy(image, {file, width, height});
  handles.push(handle);
  const reader = await TiffReader.open(handle);
  const [level] = await levelsOf(reader);
  return TiffPixels.open(file, reader, level as TiffLevel, (await blocksOf(reader, level!))!);
}
