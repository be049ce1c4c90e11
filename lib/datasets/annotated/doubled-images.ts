import {MaskRcnnError} from '../../basics/errors.js';
import type {AnnotatedImage} from './annotations.js';

/** Throws INVALID_DATASET if two files are about the same image. */
export function refuseDoubled(images: readonly AnnotatedImage[]): void {
  const known = new Map<string, AnnotatedImage>();
  for (const image of images) {
    const other = known.get(image.file);
    if (other !== undefined) {
      const [a, b] = [other.sources[0]!, image.sources[0]!];
      const where = a === b ? `twice in ${a}` : `in ${a} and in ${b}`;
      throw new MaskRcnnError('INVALID_DATASET', `${image.file} must be annotated once, got annotations ${where}.`, {
        file: b,
      });
    }
    known.set(image.file, image);
  }
}
