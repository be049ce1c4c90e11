import type {Instance, InstanceMask, TrueObject} from '../dataset.js';
import {type Annotation, isCrowd, toBox} from './annotation.js';
import type {Decoded} from './segmentation.js';

type Size = {width: number; height: number};
type Segment = Exclude<Decoded, RangeError>;

/**
 * The object of an annotation, which has a box unless it has a segment. With `boxes` 'masks', or if the annotation has
 * no box, its box is that of the mask.
 */
export function toTrueObject(
  annotation: Annotation,
  label: number,
  segment: Segment | undefined,
  {size: {width, height}, boxes}: {size: Size; boxes: 'annotations' | 'masks'},
): TrueObject {
  const given = boxes === 'masks' && segment !== undefined ? undefined : toBox(annotation.bbox);
  const box = given ?? segment!.box;
  return {
    label,
    box,
    area: Number.isFinite(annotation.area) ? (annotation.area as number) : (segment?.area ?? box[2] * box[3]),
    crowd: isCrowd(annotation),
    ...(segment && {mask: {size: [height, width], counts: segment.counts}}),
  };
}

/** The part of an object inside the image. Undefined if the box or the mask has no area there. */
export function toInstance(
  id: number,
  {label, box}: TrueObject,
  mask: InstanceMask | undefined,
  size: Size,
): Instance | undefined {
  const inside = insideBox(box, size);
  if (inside === undefined || mask?.width === 0) return undefined;
  return {label, box: inside, ...(mask && {mask}), id};
}

/** The part of a box left, top, width, height inside the image: x0, y0, x1, y1. Undefined if it has no area there. */
export function insideBox([left, top, width, height]: TrueObject['box'], size: Size): Instance['box'] | undefined {
  const box: Instance['box'] = [
    Math.max(0, left),
    Math.max(0, top),
    Math.min(size.width, left + width),
    Math.min(size.height, top + height),
  ];
  return box[0] < box[2] && box[1] < box[3] ? box : undefined;
}
