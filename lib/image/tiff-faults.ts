import {NUMBERS_HINT, Undecodable} from './bytes.js';
import {TAG, TiffFile, type TiffPage} from './tiff.js';

/** Compressions that sharp's build of libvips lacks (libtiff's tiff.h; 33003 to 33005 are Aperio's). */
const LACKING: Record<number, string> = {
  33003: 'JPEG 2000',
  33004: 'JPEG 2000',
  33005: 'JPEG 2000',
  34712: 'JPEG 2000',
  34887: 'LERC',
  34925: 'LZMA',
  50000: 'Zstandard',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
};

/** What is wrong with a number of a compression, if sharp's build of libvips lacks it. */
export function codecFault(compression: number, cause?: unknown): Undecodable | undefined {
  const codec = LACKING[compression];
  if (codec === undefined) return undefined;
  return new Undecodable(`its compression ${codec} (${compression}) is not supported`, {
    hint: 'Save it again without compression, or with LZW or Deflate.',
    cause,
  });
}

/**
 * Why a TIFF could not be decoded. libvips' words alone tell neither the name of a compression nor that the file is cut
 * off.
 */
export async function explainTiff(bytes: Uint8Array, cause: unknown): Promise<unknown> {
  const file = new TiffFile(bytes);
  let page: TiffPage | undefined;
  try {
    [page] = await file.pages();
  } catch (error) {
    return error;
  }
  const fault = codecFault(file.value(page!, TAG.compression) ?? 1, cause);
  if (fault !== undefined) return fault;
  const bits = file.value(page!, TAG.bits) ?? 1;
  if (bits > 32) {
    return new Undecodable(`it has ${bits} bits per sample, more than 32`, {
      hint: NUMBERS_HINT,
      cause,
    });
  }
  const end = await file.pixelsEnd(page!);
  if (end <= bytes.length) return cause;
  return new Undecodable(`it is truncated: its pixels end at byte ${end} of ${bytes.length}`, {cause});
}
