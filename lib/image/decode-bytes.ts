import {MaskRcnnError} from '../basics/errors.js';
import {hintOf, reasonOf, Undecodable} from './bytes.js';
import {detectFormat, type ImageFormat} from './format.js';
import {explainTiff} from './tiff-faults.js';

/** The bytes of a caller, as decoders may have them: a TIFF is changed before it is decoded, so it is copied. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return detectFormat(bytes) === 'tiff' ? new Uint8Array(bytes) : bytes; // `slice()` of a Buffer makes no copy
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
