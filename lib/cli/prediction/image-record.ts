import type {Detections} from '../../model/detections.js';
import type {PackedObjects} from './packed-objects.js';

/** What an image contributes to the files that cover all images. */
export type ImageRecord = {
  file: string;
  /** Of the files of the image: their path in the output folder without suffix. */
  stem: string;
  width: number;
  height: number;
  /** Whether it was predicted from its file, region by region. */
  isLarge: boolean;
  /** The objects, in blocks. None if no format needs them. */
  found: readonly Detections[];
  /** Their measurements; undefined without tables. */
  measured: PackedObjects | undefined;
  /** The ids of the objects that have no pixel in the label mask. */
  missing: readonly number[];
  /** How much the network doubts what is on it, 0..1, if that was asked for. */
  doubt?: number;
};

/** The objects of a block as plain values; `masks` are run lengths. */
type JsonBlock = {boxes: number[]; labels: number[]; scores: number[]; masks: string[]};

/** A record as one line of JSON can hold it. Numbers that are not finite become null. */
export type JsonRecord = Omit<ImageRecord, 'found' | 'measured'> & {
  found: JsonBlock[];
  measured?: {classNames: readonly string[]; columns: readonly string[]; numbers: (number | null)[]};
};

export function recordToJson({found, measured, ...image}: ImageRecord): JsonRecord {
  return {
    ...image,
    found: found.map(({boxes, labels, scores, masks}) => ({
      boxes: [...boxes],
      labels: [...labels],
      scores: [...scores],
      masks: masks.map(({counts}) => counts),
    })),
    ...(measured && {measured: {...measured, numbers: [...measured.numbers]}}),
  };
}

/** The record that `recordToJson()` was given, to the bit. `classes`: those of the network. */
export function recordFromJson({found, measured, ...image}: JsonRecord, classes: readonly string[]): ImageRecord {
  const {file, width, height} = image;
  return {
    ...image,
    found: found.map(({boxes, labels, scores, masks}) => ({
      file,
      width,
      height,
      boxes: Float32Array.from(boxes),
      labels: Int32Array.from(labels),
      classNames: labels.map((label) => classes[label - 1]!),
      scores: Float32Array.from(scores),
      masks: masks.map((counts) => ({size: [height, width], counts})),
    })),
    measured: measured && {...measured, numbers: Float64Array.from(measured.numbers, (x) => x ?? Number.NaN)},
  };
}
