import {basename, extname} from 'node:path';

/** A picture of the objects found on image NAME is NAME_overlay.png (or .jpg, .webp), beside NAME or elsewhere. */
export const OVERLAY_SUFFIX = '_overlay';
/** The label mask of the objects found on image NAME is NAME_labels.png, or NAME_labels.tif. */
export const LABELS_SUFFIX = '_labels';

export const OVERLAY_EXTENSIONS: readonly string[] = ['.png', '.jpg', '.webp'];
const LABELS_EXTENSIONS: readonly string[] = ['.png', '.tif'];

/**
 * NAME, if `maskrcnn predict` gives a picture of the objects on image NAME the name `file`; else undefined. Whoever
 * lists the images of a folder leaves such files out: it may hold the results of an earlier prediction.
 */
export function predictedImage(file: string): string | undefined {
  const extension = extname(file).toLowerCase();
  const stem = basename(file, extname(file));
  if (stem.endsWith(OVERLAY_SUFFIX) && OVERLAY_EXTENSIONS.includes(extension))
    return stem.slice(0, -OVERLAY_SUFFIX.length);
  const isLabels = stem.endsWith(LABELS_SUFFIX) && LABELS_EXTENSIONS.includes(extension);
  return isLabels ? stem.slice(0, -LABELS_SUFFIX.length) : undefined;
}

export function isPredictionName(file: string): boolean {
  return predictedImage(file) !== undefined;
}
