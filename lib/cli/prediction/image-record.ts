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

/** Numbers in a line of a record. */
const NUMBERS_IN_LINE = 65_536;

/** A record as one line of JSON can hold it. Numbers that are not finite become null. */
export type JsonRecord = Omit<ImageRecord, 'found' | 'measured'> & {
  found: JsonBlock[];
  measured?: {classNames: readonly string[]; columns: readonly string[]; numbers: (number | null)[]};
};

export function recordToJson({found, measured, ...image}: ImageRecord): JsonRecord {
  return {
    ...image,
    found: found.map(blockToJson),
    ...(measured && {measured: {...measured, numbers: [...measured.numbers]}}),
  };
}

function blockToJson({boxes, labels, scores, masks}: Detections): JsonBlock {
  return {
    boxes: [...boxes],
    labels: [...labels],
    scores: [...scores],
    masks: masks.map(({counts}) => counts),
  };
}

/** A record as lines of JSON, none of which is long: that of an image may have millions of objects. */
export function* recordToLines({found, measured, ...image}: ImageRecord): Generator<string> {
  const {numbers, ...names} = measured ?? {};
  yield JSON.stringify({image, ...(measured && {names})});
  for (const block of found) yield JSON.stringify({block: blockToJson(block)});
  for (let at = 0; at < (numbers?.length ?? 0); at += NUMBERS_IN_LINE) {
    yield JSON.stringify({numbers: [...numbers!.subarray(at, at + NUMBERS_IN_LINE)]});
  }
}

/** The record that `recordToLines()` was given, to the bit. `classes`: those of the network. */
export async function recordFromLines(
  lines: AsyncIterable<string>,
  classes: readonly string[],
): Promise<ImageRecord | undefined> {
  let head: {image: Omit<JsonRecord, 'found'>; names?: Omit<PackedObjects, 'numbers'>} | undefined;
  const found: JsonBlock[] = [];
  const numbers: (number | null)[] = [];
  for await (const line of lines) {
    const part = JSON.parse(line);
    if (part.image !== undefined) head = part;
    else if (part.block !== undefined) found.push(part.block);
    else for (const number of part.numbers) numbers.push(number);
  }
  if (head === undefined) return undefined;
  const {image, names} = head;
  return recordFromJson({...image, found, ...(names && {measured: {...names, numbers}})}, classes);
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
