import type {Detections} from '../../lib/model/detections.js';
import {HARD, trueObjects} from '../export/drawn.js';

export const classes = ['gland', 'lumen'];

/** The drawn objects as detections: one piece, holes, several parts. */
export async function hardDetections(): Promise<Detections> {
  const objects = await trueObjects(HARD);
  const {width, height} = HARD;
  return {
    width,
    height,
    boxes: Float32Array.from(objects.flatMap(({box: [x, y, w, h]}) => [x, y, x + w, y + h])),
    labels: Int32Array.from(objects, ({label}) => label),
    classNames: objects.map(({label}) => classes[label - 1]!),
    scores: Float32Array.from(objects, (_, i) => 1 - i / 16),
    masks: objects.map(({mask}) => mask!),
  };
}
