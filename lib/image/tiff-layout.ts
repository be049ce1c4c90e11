import {Undecodable} from './bytes.js';
import type {SampleType} from './samples.js';
import {MOST_CHANNELS, PHOTOMETRIC, SAMPLE_FORMAT, TAG, type TiffFile, type TiffPage} from './tiff.js';

/** How the pixels of a page are stored. */
export type TiffLayout = {
  width: number;
  height: number;
  bits: number;
  /** Undefined for types that no image is read from. */
  type: SampleType | undefined;
  /** Channels of a pixel, alpha included. */
  channels: number;
  /** Whether the last channel is alpha. */
  hasAlpha: boolean;
  photometric: number | undefined;
  compression: number;
  /** Whether each channel is stored on its own ("planar"), not pixel by pixel ("chunky"). */
  isPlanar: boolean;
  /** Whether differences of numbers are stored, not the numbers ("predictor"). */
  hasDifferences: boolean;
};

/** Kinds of ExtraSamples that are alpha (TIFF 6.0, section 18). */
const ALPHA = [1, 2];

/** Values of PlanarConfiguration: pixel by pixel, and each channel on its own. */
export const CHUNKY = 1;
const SEPARATE = 2;

/** Sample format that says nothing, which is read as unsigned numbers. */
const UNDEFINED = 4;

export function layoutOf(file: TiffFile, page: TiffPage): TiffLayout {
  const first = (tag: number, byDefault: number) => file.value(page, tag) ?? byDefault;
  const channels = first(TAG.samples, 1);
  const bits = first(TAG.bits, 1);
  const extra = file.values(page, TAG.extraSamples, MOST_CHANNELS).at(-1);
  const isUniform = file.values(page, TAG.bits, MOST_CHANNELS).every((each) => each === bits);
  return {
    width: first(TAG.width, 0),
    height: first(TAG.height, 0),
    bits,
    type: isUniform ? typeOf(first(TAG.sampleFormat, SAMPLE_FORMAT.unsigned), bits) : undefined,
    channels,
    hasAlpha: channels > 1 && extra !== undefined && ALPHA.includes(extra),
    photometric: file.value(page, TAG.photometric),
    compression: first(TAG.compression, 1),
    isPlanar: channels > 1 && first(TAG.planar, CHUNKY) === SEPARATE,
    hasDifferences: first(TAG.predictor, 1) !== 1,
  };
}

function typeOf(format: number, bits: number): SampleType | undefined {
  if (format === SAMPLE_FORMAT.float) return bits === 32 ? 'float32' : bits === 64 ? 'float64' : undefined;
  if (![8, 16, 32].includes(bits)) return undefined;
  if (format === SAMPLE_FORMAT.unsigned || format === UNDEFINED) return `uint${bits as 8}`;
  return format === SAMPLE_FORMAT.signed ? `int${bits as 8}` : undefined;
}

/** Compressions that keep every bit and that libtiff can undo: none, LZW, Deflate in two spellings, PackBits. */
const LOSSLESS = [1, 5, 8, 32946, 32773];
export const ZSTANDARD = 50000;
const JPEG = 7;

/** Whether the stored numbers of the page can be read channel by channel. */
export function hasPlainNumbers(layout: TiffLayout): boolean {
  const {type, photometric, compression, channels, isPlanar, hasDifferences} = layout;
  const {whiteIsZero, blackIsZero, rgb, cmyk} = PHOTOMETRIC;
  if (type === undefined || photometric === undefined || channels < 1) return false;
  if (![whiteIsZero, blackIsZero, rgb, cmyk].includes(photometric)) return false;
  // Numbers of 64 bits are read as halves, of which libtiff knows no differences.
  if (type === 'float64' && hasDifferences) return false;
  return (
    LOSSLESS.includes(compression) ||
    compression === ZSTANDARD ||
    (compression === JPEG && (channels === 1 || isPlanar))
  );
}

/**
 * Whether sharp makes the usual 8-bit RGB, or 16-bit grey or RGB, of the page by itself. It does not of 16-bit grey in
 * which white is 0: the values in notices would not be the stored ones.
 */
export function isUsual({type, photometric, compression, channels, hasAlpha, isPlanar}: TiffLayout): boolean {
  if ((type !== 'uint8' && type !== 'uint16') || compression === ZSTANDARD || isPlanar) return false;
  if (type === 'uint16' && photometric === PHOTOMETRIC.whiteIsZero) return false;
  if (photometric === PHOTOMETRIC.cmyk) return channels === 4;
  const colours = hasAlpha ? channels - 1 : channels;
  return photometric === PHOTOMETRIC.rgb ? colours === 3 : colours === 1;
}

/** Number of images in a file that ImageJ wrote: those after the first page may have no entries of their own. */
export function slicesOf(file: TiffFile, pages: readonly TiffPage[]): number {
  const text = file.text(pages[0]!, TAG.description);
  const images = text.startsWith('ImageJ=') ? Number(/^images=(\d+)/m.exec(text)?.[1] ?? 1) : 1;
  const isRaw = (file.value(pages[0]!, TAG.compression) ?? 1) === 1;
  return pages.length === 1 && isRaw ? Math.max(1, images) : pages.length;
}

/**
 * Makes page `index` the first of the file, which must have it. Slices of ImageJ follow the pixels of the first page,
 * without a gap. Throws an Error with the reason if the file ends before it.
 */
export function chooseTiffPage(file: TiffFile, pages: readonly TiffPage[], index: number): TiffPage {
  const page = pages[index];
  if (page !== undefined) {
    file.setFirst(page);
    return page;
  }
  const [first] = pages as [TiffPage];
  const [offsets, sizes] = [TAG.stripOffsets, TAG.stripBytes].map((tag) => file.values(first, tag));
  const shift = index * sizes!.reduce((sum, size) => sum + size, 0);
  const moved = offsets!.map((offset) => offset + shift);
  if (moved.length === 0 || moved.some((offset) => offset >= file.bytes.length)) {
    throw new Undecodable(`it is truncated: its page ${index} is not there`);
  }
  file.setValues(first, TAG.stripOffsets, moved);
  return first;
}
