import {Undecodable} from './bytes.js';

export type ImageFormat = 'bmp' | 'png' | 'jpeg' | 'webp' | 'tiff' | 'gif' | 'avif';

/** The usual file name extensions of these formats. Folders are searched for files with one of them. */
export const IMAGE_EXTENSIONS: readonly string[] = [
  'bmp',
  'png',
  'jpg',
  'jpeg',
  'webp',
  'tif',
  'tiff',
  'svs', // Aperio's slides are TIFFs
  'btf', // BigTIFF
  'gif',
  'avif',
  'dib',
  'jfif',
];

/**
 * Maximum number of pixels that are decoded (16383 × 16383, sharp's own limit), so that a small file cannot fill the
 * memory.
 */
export const MAX_PIXELS = 0x3fff ** 2;

/** Detects the format by the first bytes of the file, not by its name. Returns undefined for unsupported formats. */
export function detectFormat(bytes: Uint8Array): ImageFormat | undefined {
  const ascii = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  if (ascii(0, 2) === 'BM') return 'bmp';
  if (ascii(1, 4) === 'PNG' && bytes[0] === 0x89) return 'png';
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'jpeg';
  if (ascii(0, 4) === 'RIFF' && ascii(8, 12) === 'WEBP') return 'webp';
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].includes(ascii(0, 4))) return 'tiff';
  if (ascii(0, 4) === 'GIF8') return 'gif';
  if (ascii(4, 8) === 'ftyp' && ['avif', 'avis', 'mif1', 'msf1'].includes(ascii(8, 12))) return 'avif';
  return undefined;
}

/** Why an image is not decoded whole. */
export class TooManyPixels extends Undecodable {
  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    super(`${width} × ${height} is more than ${MAX_PIXELS} pixels`, {hint: IN_TILES});
  }
}

const IN_TILES = 'Work on it in tiles: see the guide "Large images".';

/**
 * Throws an Error if an image of this size has no pixels or too many to be decoded whole. Like all errors of the
 * decoders, its message is a reason that ends a sentence.
 */
export function checkSize(width: number, height: number): void {
  if (width < 1 || height < 1) throw new Error(`its size is ${width} × ${height}`);
  if (width * height > MAX_PIXELS) {
    throw new TooManyPixels(width, height);
  }
}
