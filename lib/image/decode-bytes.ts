import {MaskRcnnError} from '../basics/errors.js';
import {inTurns, Turn} from '../basics/turns.js';
import {hintOf, reasonOf, Undecodable} from './bytes.js';
import {discard} from './discard.js';
import {detectFormat, type ImageFormat} from './format.js';
import {isLent} from './lent-pixels.js';
import {explainTiff} from './tiff-faults.js';

/**
 * What `decode` makes of the bytes of a caller. A TIFF is changed before it is decoded, so `decode` gets a copy of it,
 * which is made in turns, unless the bytes are lent.
 */
export async function withOwnBytes<T>(bytes: Uint8Array, decode: (bytes: Uint8Array) => Promise<T>): Promise<T> {
  if (detectFormat(bytes) !== 'tiff' || isLent({data: bytes})) return decode(bytes);
  const copy = new Uint8Array(bytes.length);
  await inTurns(bytes.length, (from, to) => copy.set(bytes.subarray(from, to), from), new Turn(), 1 << 20);
  return decode(copy).finally(() => discard(copy));
}

/**
 * Calls `work` with the format of an image. Throws INVALID_IMAGE, with the file if there is one, if the bytes are none,
 * or of no image, or if `work` throws an Error with the reason.
 */
export async function decodeBytes<T>(
  bytes: Uint8Array,
  {name, file}: {name: string; file?: string | undefined},
  work: (format: ImageFormat) => Promise<T>,
): Promise<T> {
  const details = file === undefined ? {} : {file};
  if (bytes.length === 0) {
    throw new MaskRcnnError('INVALID_IMAGE', `${name} must be an image, got an empty file (0 bytes).`, details);
  }
  const format = detectFormat(bytes);
  if (format === undefined) {
    throw new MaskRcnnError(
      'INVALID_IMAGE',
      `${name} must be a BMP, PNG, JPEG, WebP, TIFF, GIF or AVIF image, got ${bytes.length} bytes of another kind.`,
      {...details, hint: 'The content decides, not the name of the file.'},
    );
  }
  try {
    return await work(format);
  } catch (error) {
    const cause = format === 'tiff' && !(error instanceof Undecodable) ? await explainTiff(bytes, error) : error;
    const kind = format.toUpperCase();
    throw new MaskRcnnError('INVALID_IMAGE', `${name} is not a readable ${kind} image: ${reasonOf(cause)}.`, {
      ...details,
      ...hintOf(cause),
      cause,
    });
  }
}
