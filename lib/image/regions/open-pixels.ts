import type {FileHandle} from 'node:fs/promises';
import type {Sharp, SharpOptions} from 'sharp';
import {Undecodable} from '../bytes.js';
import {detectFormat} from '../format.js';
import {loadSharp} from '../load-sharp.js';
import type {PixelOptions} from '../pixel-options.js';
import {readImage} from '../read-image.js';
import {choosePlane, PAGES_OF_COLOURS} from '../stack.js';
import {PHOTOMETRIC, TAG} from '../tiff.js';
import {codecFault} from '../tiff-faults.js';
import {ZSTANDARD} from '../tiff-layout.js';
import {channelPixels, channelsOfPages} from './channel-pixels.js';
import {micronsOf} from './microns.js';
import {upright} from './oriented.js';
import type {RegionPixels, RegionSource} from './region-source.js';
import {openTemporaryCopy} from './temporary-copy.js';
import {blocksOf, hasMissing, type TiffBlocks} from './tiff-blocks.js';
import {levelsOf, type TiffLevel} from './tiff-levels.js';
import {TiffPixels} from './tiff-pixels.js';
import {TiffReader} from './tiff-reader.js';
import {readStack} from './tiff-stack.js';

/** What is known of an image before one of its levels is chosen. */
export type OpenedImage = {
  levels: RegionSource['levels'];
  /** Length of the side of a pixel of level 0 in µm, if the file says it. */
  microns: number | undefined;
  /** Opens the pixels of a level. What has to be closed after use is added to `handles`. */
  open(level: number, handles: FileHandle[]): Promise<RegionPixels>;
};

/** Looks into a file, whose numbers become 8-bit RGB by `options`. Throws an Error with the reason. */
export async function openImage(file: string, handle: FileHandle, options: PixelOptions): Promise<OpenedImage> {
  const beginning = new Uint8Array(16);
  const {bytesRead} = await handle.read(beginning, 0, 16, 0);
  const format = detectFormat(beginning.subarray(0, bytesRead));
  if (format === undefined) {
    throw new Undecodable('it is no TIFF, JPEG, PNG, WebP, BMP, GIF or AVIF', {
      hint: 'The content decides, not the name of the file.',
    });
  }
  return format === 'tiff' ? openTiff(file, handle, options) : openOther(file, format === 'bmp', options);
}

async function openTiff(file: string, handle: FileHandle, options: PixelOptions): Promise<OpenedImage> {
  const {page: number = 0, ...numbers} = options;
  const reader = await TiffReader.open(handle);
  const {pages, stack, samples} = await readStack(reader);
  const plane = choosePlane(stack, number);
  const isChannel = plane.length > 1;
  const levels = await levelsOf(reader, pages, plane[0]!, {isChannel});
  const orientation = await reader.first(levels[0]!.page, TAG.orientation, 1);
  const turns = orientation >= 5;
  const perPage = await samples(plane[0]!);
  const channels = isChannel ? channelsOfPages(plane, perPage, {asked: numbers.channels, stack}) : [];
  return {
    levels: levels.map(({width, height, downsample}) =>
      turns ? {width: height, height: width, downsample} : {width, height, downsample},
    ),
    microns: await micronsOf(reader, pages[0]!),
    async open(index, handles) {
      if (!isChannel) {
        return upright(await openLevel({file, reader, level: levels[index]!, numbers}, handles), orientation);
      }
      const opened = new Map<string, RegionPixels>();
      const parts: RegionPixels[] = [];
      for (const {page, sample} of channels) {
        const level = (await levelsOf(reader, pages, page, {isChannel}))[index];
        if (level?.width !== levels[index]!.width || level.height !== levels[index]!.height) {
          throw new Undecodable(`its pages ${plane[0]} and ${page} are channels and differ in size`);
        }
        const photometric = await reader.first(level.page, TAG.photometric, PHOTOMETRIC.blackIsZero);
        if (photometric === PHOTOMETRIC.palette) throw new Undecodable(PAGES_OF_COLOURS);
        const {channels: _, ...others} = numbers;
        const how = {file, reader, level, numbers: perPage === 1 ? others : {...others, channels: [sample]}};
        const key = `${page} ${sample}`;
        if (!opened.has(key)) opened.set(key, await openLevel(how, handles));
        parts.push(opened.get(key)!);
      }
      return upright(channelPixels(parts), orientation);
    },
  };
}

/** A level to open. `numbers`: what becomes of its numbers. */
type LevelToOpen = {file: string; reader: TiffReader; level: TiffLevel; numbers: PixelOptions};

async function openLevel({file, reader, level, numbers}: LevelToOpen, handles: FileHandle[]): Promise<RegionPixels> {
  const compression = await reader.first(level.page, TAG.compression, 1);
  const fault = codecFault(compression);
  if (fault !== undefined && compression !== ZSTANDARD) throw fault;
  const openBlocks = (blocks: TiffBlocks) => TiffPixels.open(file, reader, level, {blocks, options: numbers});
  const blocks = await blocksOf(reader, level);
  if (blocks !== undefined) return openBlocks(blocks);
  const {page: from, subifd} = level.at;
  const original = {file, ...level, open: {page: from, tiff: {subifd}}, numbers};
  const image = await imageOf(original);
  const noCopy = fault ?? (await missingFault(reader, level)) ?? (await copyFault(image, numbers));
  if (noCopy === undefined) return copyOf(image, original, handles);
  // Where a band of regions is not kept, its strips are decoded again and again.
  const slow = await blocksOf(reader, level, {isUrgent: true});
  if (slow === undefined) throw noCopy;
  return openBlocks(slow);
}

async function openOther(file: string, isBmp: boolean, options: PixelOptions): Promise<OpenedImage> {
  const {page = 0, ...numbers} = options;
  if (page > 0) throw new Undecodable(`it has no page ${page}`, {hint: 'Regions are read from the first frame.'});
  if (isBmp) {
    const {data, width, height} = await readImage(file, numbers);
    return {
      levels: [{width, height, downsample: 1}],
      microns: undefined,
      open: (_, handles) => copied({file, width, height, data}, handles),
    };
  }
  const sharp = await loadSharp();
  const {width, height, orientation = 1} = await sharp(file, UNLIMITED).metadata();
  return {
    levels: [orientation >= 5 ? {width: height, height: width, downsample: 1} : {width, height, downsample: 1}],
    microns: undefined,
    open: async (_, handles) => upright(await copied({file, width, height, numbers}, handles), orientation),
  };
}

/** Large images are what regions are for. The rows are decoded one after another, so that they need little memory. */
const UNLIMITED: SharpOptions = {failOn: 'error', limitInputPixels: false, sequentialRead: true, ignoreIcc: true};

/** An image to copy. `data`: its pixels, if sharp cannot decode the file. `numbers`: what becomes of them. */
type Original = {
  file: string;
  width: number;
  height: number;
  data?: Uint8Array;
  open?: SharpOptions;
  numbers?: PixelOptions;
};

/** The pixels of a temporary copy. Throws an Undecodable if it would not have what `readImage()` gives. */
async function copied(original: Original, handles: FileHandle[]): Promise<RegionPixels> {
  const image = await imageOf(original);
  const fault = await copyFault(image, original.numbers ?? {});
  if (fault !== undefined) throw fault;
  return copyOf(image, original, handles);
}

async function copyOf(image: Sharp, original: Original, handles: FileHandle[]): Promise<RegionPixels> {
  const {file, width, height, numbers = {}} = original;
  const handle = await openTemporaryCopy(image, {file, width, height});
  handles.push(handle);
  const reader = await TiffReader.open(handle);
  const [level] = await levelsOf(reader, await reader.pages(), 0);
  return TiffPixels.open(file, reader, level!, {blocks: (await blocksOf(reader, level!))!, options: numbers});
}

async function imageOf({file, width, height, data, open}: Original): Promise<Sharp> {
  const sharp = await loadSharp();
  return data === undefined
    ? sharp(file, {...UNLIMITED, ...open})
    : sharp(data, {raw: {width, height, channels: 3}, limitInputPixels: false});
}

/** Why libtiff, which makes the copy, does not read a page that leaves out strips or tiles. */
async function missingFault(reader: TiffReader, level: TiffLevel): Promise<Undecodable | undefined> {
  if (!(await hasMissing(reader, level))) return undefined;
  return new Undecodable('it leaves out strips or tiles, which are too large to be read on their own', {
    hint: 'Save it as a tiled TIFF.',
  });
}

/** Why a copy, which is 8-bit RGB, does not have what `readImage()` would make of the image. Undefined if it has. */
async function copyFault(image: Sharp, {range = 'full', channels}: PixelOptions): Promise<Undecodable | undefined> {
  const {depth, space, hasAlpha} = await image.metadata();
  const isPlain = depth === 'uchar' && !hasAlpha && (space === 'srgb' || (space === 'b-w' && channels === undefined));
  const isUsual = range === 'full' && channels === undefined && (depth === 'uchar' || depth === 'ushort');
  if (isPlain || isUsual) return undefined;
  return new Undecodable('its numbers are lost in the temporary copy, of 8-bit RGB, that its regions need', {
    hint: 'Save it as a tiled TIFF, of which no copy is made.',
  });
}
