import {open} from 'node:fs/promises';
import {MaskRcnnError} from '../../basics/errors.js';
import {Turn} from '../../basics/turns.js';
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
    const turn = new Turn();
    for (const {offset, length, from, to} of blocksOf(places)) {
      const bytes = Buffer.allocUnsafe(length);
      const {bytesRead} = await handle.read(bytes, 0, length, offset);
      for (let i = from; i < to; i += 2) {
        if (turn.isOver()) await turn.next();
        const start = places[i]! - offset;
        annotations.push(parse(file, bytes.subarray(0, bytesRead).subarray(start, start + places[i + 1]!)));
      }
    }
    return annotations;
  } finally {
    await handle.close();
  }
}

/** Bytes that are read together at most, if they have several annotations, and bytes between two of these. */
const [MOST_BYTES, MOST_BETWEEN] = [1 << 18, 1 << 10];

/** Parts of the file to read, with the places in them: an image's annotations usually stand one after another. */
function* blocksOf(places: readonly number[]) {
  for (let from = 0; from < places.length; ) {
    const offset = places[from]!;
    let end = offset + places[from + 1]!;
    let to = from + 2;
    for (; to < places.length; to += 2) {
      const isNear = places[to]! >= end && places[to]! - end <= MOST_BETWEEN;
      if (!isNear || places[to]! + places[to + 1]! - offset > MOST_BYTES) break;
      end = places[to]! + places[to + 1]!;
    }
    yield {offset, length: end - offset, from, to};
    from = to;
  }
}

function parse(file: string, bytes: Buffer): Annotation {
  try {
    const annotation: unknown = JSON.parse(bytes.toString('utf8'));
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
