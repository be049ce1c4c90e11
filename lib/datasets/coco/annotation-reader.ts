import {type FileHandle, open} from 'node:fs/promises';
import {MaskRcnnError} from '../../basics/errors.js';
import type {Annotation} from './annotation.js';

/**
 * Reads the annotations of an image. `places` has their byte offsets and lengths, alternating. Throws INVALID_DATASET
 * if the file has changed since it was indexed, or is no longer there.
 */
export async function readAnnotations(file: string, places: readonly number[]): Promise<Annotation[]> {
  if (places.length === 0) return [];
  const handle = await open(file).catch((cause: Error) => {
    throw new MaskRcnnError('INVALID_DATASET', `${file} could not be read again: ${cause.message}.`, {file, cause});
  });
  try {
    const annotations: Annotation[] = [];
    for (let i = 0; i < places.length; i += 2) {
      annotations.push(await readAt(handle, file, places[i]!, places[i + 1]!));
    }
    return annotations;
  } finally {
    await handle.close();
  }
}

async function readAt(handle: FileHandle, file: string, offset: number, length: number): Promise<Annotation> {
  const buffer = Buffer.allocUnsafe(length);
  const {bytesRead} = await handle.read(buffer, 0, length, offset);
  try {
    const annotation: unknown = JSON.parse(buffer.toString('utf8', 0, bytesRead));
    if (typeof annotation !== 'object' || annotation === null) throw new TypeError('An annotation must be an object.');
    return annotation as Annotation;
  } catch (cause) {
    throw new MaskRcnnError(
      'INVALID_DATASET',
      `${file} must not change while it is used; its annotations have moved.`,
      {file, cause},
    );
  }
}
