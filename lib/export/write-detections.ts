import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions, listOf, required, type Schema, text} from '../basics/schema.js';
import type {Detections} from '../model/detections.js';
import {AnnotationFolder} from './annotation-folder.js';
import type {ImageAnnotations} from './annotations.js';
import {type ExportFormatName, exportFormat, exportFormatRule} from './formats.js';
import {ImageNames} from './image-names.js';
import type {Loss} from './losses.js';

/** Options of `writeDetections()`. */
export type WriteDetectionsOptions = {
  /** The format to write, as in `convertDataset()`. */
  format: ExportFormatName;
  /** Class names in the order of their labels: those of the model. */
  classes: readonly string[];
};

const OPTIONS: Schema = {format: required(exportFormatRule), classes: required(listOf(text, {min: 1}))};

/**
 * Writes detections to a folder in the format of an annotation tool, to correct them there or to look at them. Files of
 * the same names are replaced. Images are named as their files; of several with one name, the others are NAME-2, NAME-3
 * .... Detections without masks are boxes, in the formats that have them. Returns what the format cannot hold. Throws
 * INVALID_OPTION for detections without `file`, INVALID_MASK for those without run-length encoded masks in other
 * formats, and WRITE_FAILED.
 */
export async function writeDetections(
  detections: Iterable<Detections> | AsyncIterable<Detections>,
  folder: string,
  options: WriteDetectionsOptions,
): Promise<Loss[]> {
  checkOptions({folder}, {folder: required(text)}, 'writeDetections');
  checkOptions(options, OPTIONS, 'writeDetections');
  const {format, classes} = options;
  const writer = new AnnotationFolder(folder, exportFormat(format), {
    classes,
    splits: [],
    scored: true,
  });
  const names = new ImageNames();
  try {
    for await (const found of detections) {
      if (found.file === undefined) {
        throw new MaskRcnnError('INVALID_OPTION', 'Detections that are written must have a `file`, got some without.', {
          hint: 'Predict on files, or pass raw pixels with `file`.',
        });
      }
      if (found.masks.length === 0 && found.scores.length > 0 && !exportFormat(format).holds.boxes)
        throw noMasks(found);
      await writer.add(detectedImage(found, names.give(found.file)));
    }
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return writer.losses;
}

function noMasks({file, scores}: Detections): MaskRcnnError {
  const message = `The ${scores.length} detections on ${file} must have run-length encoded masks to be written.`;
  return new MaskRcnnError('INVALID_MASK', message, {hint: "Predict with maskFormat 'rle', which is the default."});
}

/** The image of detections, to be written. Throws INVALID_MASK if their masks are not run-length encoded. */
export function detectedImage(found: Detections, name: string, location?: string): ImageAnnotations {
  const {width, height, boxes, labels, scores, masks} = found;
  const isEncoded = masks.length === scores.length && masks.every((mask) => typeof mask.counts === 'string');
  if (masks.length > 0 && !isEncoded) throw noMasks({...found, file: found.file ?? name});
  const objects = Array.from(scores, (score, i) => {
    const [x0, y0, x1, y1] = boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    const mask = masks[i];
    return {label: labels[i]!, ...(mask && {mask}), box: [x0, y0, x1 - x0, y1 - y0] as const, score, crowd: false};
  });
  return {name, width, height, objects, ...(location !== undefined && {location})};
}
