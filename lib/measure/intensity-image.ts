import {fileURLToPath} from 'node:url';
import {MaskRcnnError} from '../basics/errors.js';
import {show} from '../basics/wording.js';
import {isLent, lend} from '../image/lent-pixels.js';
import {readStored} from '../image/read-stored.js';

/**
 * The values in which intensities are measured, in row-major order with the channels of a pixel side by side. `data`
 * has `width * height * channels` values. The default of `channels` follows from its length.
 */
export type IntensityImage = {
  data: Uint8Array | Uint8ClampedArray | Uint16Array | Float32Array;
  width: number;
  height: number;
  channels?: number;
  /** The file or name of the image, for messages. */
  file?: string;
};

/** What `measure()` takes as an image. */
export type IntensitySource = string | URL | Uint8Array | IntensityImage;

/** An image as the addon takes it. */
export type Intensities = {
  data: Uint8Array | Uint16Array | Float32Array;
  channels: number;
  lent: boolean;
};

/** Whether the image is a file or the bytes of one. */
export function isImageFile(source: unknown): source is string | URL | Uint8Array {
  return typeof source === 'string' || source instanceof URL || source instanceof Uint8Array;
}

/**
 * Reads the image of masks of width × height, of a file the page `page`. Throws INVALID_IMAGE if it is of another size,
 * or is no image.
 */
export async function readIntensities(
  source: IntensitySource,
  {width, height, page}: {width: number; height: number; page: number | undefined},
): Promise<Intensities> {
  const isPath = typeof source === 'string' || source instanceof URL;
  const file = isPath ? nameOf(source) : (source as IntensityImage | null)?.file;
  const name = file ?? 'The image of measure()';
  const fail = (expectation: string, got: string) =>
    new MaskRcnnError('INVALID_IMAGE', `${name} must ${expectation}, got ${got}.`, file === undefined ? {} : {file});
  const image: IntensityImage = isImageFile(source) ? lend(await readStored(source, {name, page})) : source;
  if (typeof image !== 'object' || image === null) throw fail('be a path, bytes or pixels', show(image));
  if (image.width !== width || image.height !== height) {
    throw fail(`have the size of the masks, ${width} × ${height} pixels`, `${image.width} × ${image.height}`);
  }
  const {data} = image;
  const kinds = [Uint8Array, Uint8ClampedArray, Uint16Array, Float32Array];
  if (!kinds.some((kind) => data instanceof kind)) {
    throw fail('have `data` that is a Uint8Array, Uint8ClampedArray, Uint16Array or Float32Array', show(data));
  }
  const channels = image.channels ?? data.length / (width * height);
  if (!Number.isSafeInteger(channels) || channels < 1 || data.length !== width * height * channels) {
    const each = image.channels === undefined ? 'as many' : show(image.channels);
    throw fail(`have ${each} values for each of ${width} × ${height} pixels`, `${data.length} values`);
  }
  const lent = isLent({data});
  if (!(data instanceof Uint8ClampedArray)) return {data, channels, lent};
  return {data: new Uint8Array(data.buffer, data.byteOffset, data.length), channels, lent};
}

/** A path as errors of reading name it. */
function nameOf(path: string | URL): string {
  return typeof path === 'string' ? path : fileURLToPath(path);
}
