import {Turn} from '../../basics/turns.js';
import {wholeImageRle} from '../../masks/placed-mask.js';
import type {Rle} from '../../masks/rle.js';
import type {Detections} from '../detections.js';
import type {TiledObject} from './tiled-object.js';

/**
 * Objects of `predictTiles()` as `model.predict()` gives them, for all functions that take detections: in descending
 * order of score, with masks of the whole image of width × height pixels. Throws INVALID_MASK if the image has more
 * than 2^31 - 1 pixels, or if a mask is not inside it.
 */
export async function detectionsOfTiles(
  objects: readonly TiledObject[],
  image: {width: number; height: number; file?: string},
): Promise<Detections> {
  return detectionsInOrder(
    [...objects].sort((a, b) => b.score - a.score),
    image,
  );
}

/** The same in the order of `objects`. */
export async function detectionsInOrder(
  objects: readonly TiledObject[],
  {width, height, file}: {width: number; height: number; file?: string},
): Promise<Detections> {
  const turn = new Turn();
  const masks: Rle[] = [];
  for (const {mask} of objects) {
    if (turn.isOver()) await turn.next();
    masks.push(await wholeImageRle(mask, width, height));
  }
  return {
    ...(file !== undefined && {file}),
    width,
    height,
    boxes: Float32Array.from(objects.flatMap(({box}) => box)),
    labels: Int32Array.from(objects, ({label}) => label),
    classNames: objects.map(({className}) => className),
    scores: Float32Array.from(objects, ({score}) => score),
    masks,
  };
}
