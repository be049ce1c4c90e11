import type {SharpOptions} from 'sharp';
import {NUMBERS_HINT, Undecodable} from './bytes.js';
import {decodePlanes, type PlaneSource, type Planes, type Space} from './decode-planes.js';
import {distributionOf} from './distribution.js';
import {checkSize, type ImageFormat, MAX_PIXELS} from './format.js';
import {chooseChannels, fromPlanes} from './from-planes.js';
import {loadSharp} from './load-sharp.js';
import {channelNotices, frameNotices, pageNotices} from './notices.js';
import type {PixelOptions} from './pixel-options.js';
import type {RgbImage} from './rgb-image.js';
import {fullRange, type SampleType} from './samples.js';
import {PHOTOMETRIC, TiffFile} from './tiff.js';
import {type StoredPage, showStored} from './tiff-channels.js';
import {
  checkPage,
  chooseTiffPage,
  hasPlainNumbers,
  isUsual,
  layoutOf,
  slicesOf,
  type TiffLayout,
  ZSTANDARD,
} from './tiff-layout.js';
import {withoutZstandard} from './tiff-zstandard.js';
import {refusingTiles} from './tile-faults.js';
import {toRgb} from './to-rgb.js';

/** The most numbers that are decoded at a time, as of an image of `MAX_PIXELS` with four channels. */
const MOST_SAMPLES = 4 * MAX_PIXELS;

/** How an image file is decoded, and its name in notices. */
export type Decoding = {name: string; format: ImageFormat; exifOrientation: boolean; pixels: PixelOptions};

/** A file whose wanted page sharp decodes, and what is known of it. */
type Opened = {
  bytes: Uint8Array;
  open: SharpOptions;
  pages: number;
  /** Of a TIFF whose stored numbers are read channel by channel. */
  stored?: StoredPage & {layout: TiffLayout};
};

/** Whether the stored numbers are wanted even of a file of the usual colours, and the inks of CMYK as such. */
type Wanted = {numbers: boolean; inks: boolean};

/** What of the numbers of an image to read. */
type Numbers = {
  source: PlaneSource;
  channels: number;
  hasAlpha: boolean;
  /** Whether white is 0. */
  inverted?: boolean;
  /** Whether the colours are converted from those of CMYK. */
  isCmyk?: boolean;
  /** The channels of the file, if sharp makes 8-bit RGB of them by itself. */
  colours?: {channels: number; hasAlpha: boolean};
};

/**
 * Decodes an image, off the main thread, as 8-bit RGB. A TIFF is changed in memory first. Throws an Error with the
 * reason.
 */
export async function decodeImage(bytes: Uint8Array, how: Decoding): Promise<RgbImage> {
  const {name, format, pixels} = how;
  const wanted = {
    numbers: pixels.channels !== undefined || (pixels.range !== undefined && pixels.range !== 'full'),
    inks: pixels.channels !== undefined, // only read as such if they are asked for
  };
  const opened = await openFile(bytes, how, wanted);
  const notices =
    pixels.page !== undefined
      ? []
      : format === 'tiff'
        ? await pageNotices(name, bytes, {page: 1})
        : frameNotices(name, opened.pages, {page: 1});
  const {colours, ...numbers} = await findNumbers(opened, wanted);
  const image = await (colours !== undefined && !wanted.numbers
    ? fromColours(opened, {...colours, isCmyk: numbers.isCmyk ?? false}, how)
    : fromNumbers(numbers, opened, how));
  const all = [...(image.notices ?? []), ...notices];
  return all.length === 0 ? image : {...image, notices: all};
}

/**
 * Decodes the numbers of all channels but alpha as the file stores them, off the main thread. A TIFF is changed in
 * memory first. Throws an Error with the reason.
 */
export async function decodeStored(bytes: Uint8Array, how: Decoding): Promise<Planes & {type: SampleType}> {
  const wanted = {numbers: true, inks: true};
  const {source, channels, hasAlpha} = await findNumbers(await openFile(bytes, how, wanted), wanted);
  const all = Array.from({length: hasAlpha ? channels - 1 : channels}, (_, channel) => channel);
  return {...(await decodePlanes(source, all)), type: source.type};
}

async function findNumbers({bytes, open, stored}: Opened, {inks}: Wanted): Promise<Numbers> {
  if (stored !== undefined) {
    const {layout, ...page} = stored;
    const inverted = layout.photometric === PHOTOMETRIC.whiteIsZero;
    const {channels, hasAlpha} = layout;
    return {source: {bytes, open, type: layout.type!, ...page}, channels, hasAlpha, inverted};
  }
  const sharp = await loadSharp();
  const {depth, space, channels, hasAlpha} = await sharp(bytes, open).metadata();
  if (depth !== 'uchar' && depth !== 'ushort') throw wrongDepth(depth);
  const isDeep = depth === 'ushort' && (space === 'grey16' || space === 'rgb16');
  const isStored = space === 'b-w' || space === 'srgb' || isDeep || (space === 'cmyk' && inks);
  const type: SampleType = isDeep ? 'uint16' : 'uint8';
  return {
    source: {bytes, open, type, space: (isStored ? space : 'srgb') as Space},
    ...(isStored ? {channels, hasAlpha} : {channels: 3, hasAlpha: false}),
    isCmyk: space === 'cmyk',
    ...(!isDeep && {colours: {channels, hasAlpha}}),
  };
}

/** The colours of an image of 8 bits per channel, as sharp converts them. */
async function fromColours(
  {bytes, open, pages}: Opened,
  {channels, hasAlpha, isCmyk}: {channels: number; hasAlpha: boolean; isCmyk: boolean},
  {name}: Decoding,
): Promise<RgbImage> {
  const sharp = await loadSharp();
  const {data, info} = await sharp(bytes, open)
    .toColourspace('srgb')
    .raw({depth: 'uchar'})
    .toBuffer({resolveWithObject: true});
  const {rgb, isTransparent} = await toRgb(data, info);
  const notices = channelNotices(name, {channels, hasAlpha, isTransparent, isCmyk});
  const stored = {type: 'uint8', channels, pages} as const;
  return {data: rgb, width: info.width, height: info.height, stored, ...(notices.length > 0 && {notices})};
}

/** The chosen channels of an image, stretched to 0..255. */
async function fromNumbers(
  {source, channels, hasAlpha, inverted = false, isCmyk = false}: Numbers,
  {pages}: Opened,
  {name, pixels}: Decoding,
): Promise<RgbImage> {
  const {type} = source;
  const {range = 'full'} = pixels;
  const chosen = chooseChannels(pixels.channels, {channels, hasAlpha});
  const isDefault = pixels.channels === undefined;
  const looksAtAlpha = isDefault && hasAlpha;
  const {planes, width, height} = await decodePlanes(source, looksAtAlpha ? [...chosen, channels - 1] : chosen);
  const alpha = looksAtAlpha ? await distributionOf(planes.pop()!, type) : undefined;
  const isTransparent = alpha?.values !== undefined && alpha.values[0] < fullRange(type)[1];
  const more = isDefault ? channelNotices(name, {channels, hasAlpha, isTransparent, isCmyk}) : [];
  return fromPlanes(planes, {name, width, height, type, range, channels, pages, inverted}, more);
}

function sharpOptions({exifOrientation}: Decoding): SharpOptions {
  return {
    failOn: 'error', // fail on truncated files, but accept files with a harmless oddity
    limitInputPixels: MAX_PIXELS,
    ignoreIcc: true,
    autoOrient: exifOrientation,
  };
}

function openFile(bytes: Uint8Array, how: Decoding, wanted: Wanted): Promise<Opened> {
  return how.format === 'tiff' ? openTiff(bytes, how, wanted) : openOther(bytes, how);
}

async function openOther(bytes: Uint8Array, how: Decoding): Promise<Opened> {
  const {page = 0} = how.pixels;
  const sharp = await loadSharp();
  const open = sharpOptions(how);
  const {pages = 1, ...size} = await sharp(bytes, {...open, limitInputPixels: false}).metadata();
  checkSize(size.width, size.height);
  checkPage(page, pages);
  return {bytes, open: page === 0 ? open : {...open, page}, pages};
}

async function openTiff(bytes: Uint8Array, how: Decoding, wanted: Wanted): Promise<Opened> {
  const {page: index = 0} = how.pixels;
  const open = sharpOptions(how);
  const file = new TiffFile(bytes);
  const all = await file.pages();
  const pages = slicesOf(file, all);
  const page = chooseTiffPage(file, all, index);
  const layout = layoutOf(file, page);
  checkSize(layout.width, layout.height);
  const isInk = layout.photometric === PHOTOMETRIC.cmyk && !wanted.inks;
  const isStored = hasPlainNumbers(layout) && !isInk && (wanted.numbers || !isUsual(layout));
  if (!isStored) {
    // libvips would mix the rows of the planes up.
    if (layout.isPlanar) throw new Undecodable('its channels are stored each on its own, in a form that is not read');
    return {bytes, open: await refusingTiles(page, bytes, open), pages};
  }
  const isPacked = layout.compression === ZSTANDARD;
  const readable = isPacked ? await withoutZstandard(file, page, layout) : file;
  if (layout.width * layout.height * layout.channels > MOST_SAMPLES) {
    throw new Undecodable(`its ${layout.channels} channels have more than ${MOST_SAMPLES} numbers`);
  }
  const [shown] = isPacked ? await readable.pages() : [page];
  const stored = {layout, ...showStored(readable, shown!, layout)};
  const options = await refusingTiles(page, readable.bytes, {...open, limitInputChannels: 2 * layout.channels});
  return {bytes: readable.bytes, open: options, pages, stored};
}

function wrongDepth(depth: string): Error {
  return new Undecodable(`its pixels are of the type ${depth}, which is not read`, {hint: NUMBERS_HINT});
}
