import {show} from '../basics/wording.js';
import {NUMBERS_HINT, Undecodable} from './bytes.js';
import {decodePlanes, type PlaneSource, type Planes, type Space} from './decode-planes.js';
import {discard} from './discard.js';
import {distributionOf} from './distribution.js';
import {checkSize, type ImageFormat} from './format.js';
import {chooseChannels, fromPlanes} from './from-planes.js';
import {loadSharp} from './load-sharp.js';
import {channelNotices, frameNotices, pageNotices} from './notices.js';
import {type Opened, OpenTiff, sharpOptions, storedStack, type Wanted} from './open-tiff.js';
import type {PixelOptions} from './pixel-options.js';
import type {RgbImage} from './rgb-image.js';
import {fullRange, type Plane, type SampleType} from './samples.js';
import {checkPage, choosePlane, PAGES_OF_COLOURS} from './stack.js';
import {PHOTOMETRIC} from './tiff.js';
import {toRgb} from './to-rgb.js';

/** How an image file is decoded, and its name in notices. */
export type Decoding = {name: string; format: ImageFormat; exifOrientation: boolean; pixels: PixelOptions};

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
  const tiff = format === 'tiff' ? await OpenTiff.of(bytes) : undefined;
  const pages = tiff === undefined ? [] : choosePlane(tiff.stack, pixels.page ?? 0);
  if (tiff !== undefined && pages.length > 1) return decodeChannelPages(tiff, pages, how);
  const notices = tiff !== undefined && pixels.page === undefined ? await pageNotices(name, tiff, {page: 1}) : [];
  const opened = await (tiff === undefined ? openOther(bytes, how) : tiff.page(pages[0]!, how, wanted));
  if (tiff === undefined && pixels.page === undefined) notices.push(...frameNotices(name, opened.pages, {page: 1}));
  const {colours, ...numbers} = await findNumbers(opened, wanted);
  const image = await (colours !== undefined && !wanted.numbers
    ? fromColours(opened, {...colours, isCmyk: numbers.isCmyk ?? false}, how)
    : fromNumbers(numbers, opened, how));
  const all = [...(image.notices ?? []), ...notices];
  return all.length === 0 ? image : {...image, notices: all};
}

/** The chosen channels of a plane whose channels are pages. */
async function decodeChannelPages(tiff: OpenTiff, pages: readonly number[], how: Decoding): Promise<RgbImage> {
  const {name, pixels} = how;
  const {range = 'full'} = pixels;
  const {stack} = tiff;
  const notices = pixels.page === undefined ? await pageNotices(name, tiff, {page: 1}) : [];
  const perPage = tiff.samples(pages[0]!);
  const channels = pages.length * perPage;
  const chosen = chooseChannels(pixels.channels, {channels, hasAlpha: false, names: stack.names});
  if (pixels.channels === undefined) {
    notices.push(...channelNotices(name, {channels, hasAlpha: false, isTransparent: false, isCmyk: false}));
  }
  const {planes, inverted, ...size} = await decodePages(tiff, {pages, perPage, chosen}, how);
  return fromPlanes(planes, {name, ...size, range, channels, ...storedStack(stack), inverted}, notices);
}

/** Channels of pages that have `perPage` each, counted over all pages. */
async function decodePages(
  tiff: OpenTiff,
  {pages, perPage, chosen}: {pages: readonly number[]; perPage: number; chosen: readonly number[]},
  how: Decoding,
): Promise<Planes & {type: SampleType; inverted: boolean}> {
  const decoded = new Map<number, Plane>();
  let first: {width: number; height: number; type: SampleType; inverted: boolean} | undefined;
  const wanted = {numbers: true, inks: true};
  for (const at of new Set(chosen.map((channel) => Math.floor(channel / perPage)))) {
    const {source, channels, inverted = false} = await findNumbers(await tiff.page(pages[at]!, how, wanted), wanted);
    if (channels !== perPage) throw new Undecodable(PAGES_OF_COLOURS);
    const samples = [...new Set(chosen.filter((channel) => Math.floor(channel / perPage) === at))];
    const {planes, width, height} = await decodePlanes(
      source,
      samples.map((channel) => channel % perPage),
    );
    const found = {width, height, type: source.type, inverted};
    first ??= found;
    if (JSON.stringify(found) !== JSON.stringify(first)) {
      const differ = `${show(first)} and ${show(found)}`;
      throw new Undecodable(`its channels are pages that differ in size or type of numbers, ${differ}`);
    }
    for (const [i, channel] of samples.entries()) decoded.set(channel, planes[i]!);
  }
  return {...first!, planes: chosen.map((channel) => decoded.get(channel)!)};
}

/**
 * Decodes the numbers of all channels but alpha as the file stores them, off the main thread. A TIFF is changed in
 * memory first. Throws an Error with the reason.
 */
export async function decodeStored(bytes: Uint8Array, how: Decoding): Promise<Planes & {type: SampleType}> {
  const wanted = {numbers: true, inks: true};
  const tiff = how.format === 'tiff' ? await OpenTiff.of(bytes) : undefined;
  const pages = tiff === undefined ? [] : choosePlane(tiff.stack, how.pixels.page ?? 0);
  if (tiff !== undefined && pages.length > 1) {
    const perPage = tiff.samples(pages[0]!);
    const chosen = Array.from({length: pages.length * perPage}, (_, channel) => channel);
    return decodePages(tiff, {pages, perPage, chosen}, how);
  }
  const opened = await (tiff === undefined ? openOther(bytes, how) : tiff.page(pages[0]!, how, wanted));
  const {source, channels, hasAlpha} = await findNumbers(opened, wanted);
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
  {bytes, open, ...file}: Opened,
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
  const stored = {type: 'uint8', channels, ...pagesOf(file)} as const;
  return {data: rgb, width: info.width, height: info.height, stored, ...(notices.length > 0 && {notices})};
}

/** The chosen channels of an image, stretched to 0..255. */
async function fromNumbers(
  {source, channels, hasAlpha, inverted = false, isCmyk = false}: Numbers,
  file: Opened,
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
  const of = {name, width, height, type, range, channels, ...pagesOf(file), inverted};
  const image = await fromPlanes(planes, of, more);
  for (const {values} of planes) discard(values);
  return image;
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

/** What a file says of its pages. */
function pagesOf({pages, stack}: Omit<Opened, 'bytes' | 'open'>): Pick<Opened, 'pages' | 'stack'> {
  return {pages, ...(stack && {stack})};
}

function wrongDepth(depth: string): Error {
  return new Undecodable(`its pixels are of the type ${depth}, which is not read`, {hint: NUMBERS_HINT});
}
