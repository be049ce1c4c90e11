import type {MaskFormat, Masks} from '../model/detections.js';
import {NAMES} from './file-metadata.js';
import {masksOfBoxes, masksOfImage} from './masks.js';
import type {OnnxTensor} from './session.js';

/** What a run found on one image, in descending order of score. */
export type Found = {boxes: Float32Array; labels: Int32Array; scores: Float32Array; masks: OnnxTensor | undefined};

/** Which of these are wanted, and their masks. */
export type Wanted = {
  scoreThreshold: number;
  maxDetections: number;
  maskThreshold: number;
  format: MaskFormat;
};

/** The detections of each of the `count` images of a run. A file for one image does not tell which they are of. */
export function splitByImage(outputs: Readonly<Record<string, OnnxTensor>>, count: number): Found[] {
  const boxes = outputs[NAMES.boxes]!.data as Float32Array;
  const labels = outputs[NAMES.labels]!.data as Int32Array;
  const scores = outputs[NAMES.scores]!.data as Float32Array;
  const imageIndex = outputs[NAMES.imageIndex]?.data as Int32Array | undefined;
  const masks = outputs[NAMES.masks];
  const found: Found[] = [];
  let from = 0;
  for (let image = 0; image < count; image++) {
    let to = imageIndex === undefined ? scores.length : from;
    while (imageIndex !== undefined && imageIndex[to] === image) to++;
    found.push({
      boxes: boxes.subarray(4 * from, 4 * to),
      labels: labels.subarray(from, to),
      scores: scores.subarray(from, to),
      masks: masks && rowsOf(masks, from, to),
    });
    from = to;
  }
  return found;
}

function rowsOf({type, data, dims: [, ...rest]}: OnnxTensor, from: number, to: number): OnnxTensor {
  const length = rest.reduce((product, dim) => product * dim, 1);
  return {
    type,
    data: (data as Float32Array | Uint8Array).subarray(from * length, to * length),
    dims: [to - from, ...rest],
  };
}

/** The wanted detections of an image of `size`, as copies that keep no other memory. */
export async function choose(
  {boxes, labels, scores, masks}: Found,
  size: {width: number; height: number},
  {scoreThreshold, maxDetections, maskThreshold, format}: Wanted,
): Promise<{boxes: Float32Array; labels: Int32Array; scores: Float32Array; masks: Masks}> {
  const least = Math.fround(scoreThreshold);
  let count = 0;
  while (count < Math.min(scores.length, maxDetections) && scores[count]! > least) count++;
  const chosen = {boxes: boxes.slice(0, 4 * count), labels: labels.slice(0, count), scores: scores.slice(0, count)};
  if (format === 'none' || masks === undefined) return {...chosen, masks: []};
  const common = {format, size, count};
  return {
    ...chosen,
    masks: await (masks.type === 'uint8'
      ? masksOfImage(masks, chosen.boxes, common)
      : masksOfBoxes(masks, chosen.boxes, {...common, threshold: maskThreshold})),
  };
}
