/** Instances with bitmaps as objects with run lengths, which need little memory. */
import type {Binding} from '../addon/binding.js';
import {Turn} from '../basics/turns.js';
import type {Instance, PlacedObject} from './dataset.js';

/** The same objects. The mask of each is the run lengths of the rectangle that its bitmap has. */
export async function placedInstances(instances: readonly Instance[], {rle}: Binding): Promise<PlacedObject[]> {
  const turn = new Turn();
  const placed: PlacedObject[] = [];
  for (const {label, box, mask, id} of instances) {
    if (turn.isOver()) await turn.next();
    const object: PlacedObject = {label, box, crowd: false, ...(id !== undefined && {id})};
    if (mask === undefined) placed.push(object);
    else {
      const {left, top, width, height, data} = mask;
      const counts = rle.encodeCrop({left: 0, top: 0, width, height, data}, width, height);
      placed.push({...object, mask: {left, top, rle: {size: [height, width], counts}}});
    }
  }
  return placed;
}
