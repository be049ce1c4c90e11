import type {Binding} from '../../addon/binding.js';
import type {Instance, TrueObject} from '../dataset.js';
import {type Annotation, toBox, toRle} from './annotation.js';

type Size = {width: number; height: number};

/** A true object with the id of its annotation. */
export type AnnotatedObject = {id: number; object: TrueObject};

/**
 * The object of an annotation. With `boxes` 'masks', or if the annotation has none, its box is that of the mask. Throws
 * RangeError for an invalid segmentation.
 */
export function toTrueObject(
  annotation: Annotation,
  label: number,
  {width, height}: Size,
  {binding, boxes}: {binding: Binding; boxes: 'annotations' | 'masks'},
): TrueObject {
  const mask = toRle(annotation.segmentation, {width, height}, binding);
  const given = boxes === 'masks' ? undefined : toBox(annotation.bbox);
  return {
    label,
    box: given ?? ([...binding.rle.boxes([mask.counts], width, height)] as TrueObject['box']),
    area: Number.isFinite(annotation.area)
      ? (annotation.area as number)
      : binding.rle.areas([mask.counts], width, height)[0]!,
    crowd: annotation.iscrowd === 1 || annotation.iscrowd === true,
    mask,
  };
}

/** The part of an object inside the image. Undefined if the box or the mask has no area there. */
export function toInstance({id, object}: AnnotatedObject, size: Size, {rle}: Binding): Instance | undefined {
  const {label, mask} = object;
  const [left, top, width, height] = object.box;
  const box: Instance['box'] = [
    Math.max(0, left),
    Math.max(0, top),
    Math.min(size.width, left + width),
    Math.min(size.height, top + height),
  ];
  if (!(box[0] < box[2] && box[1] < box[3])) return undefined;
  const crop = rle.crop(mask.counts, size.width, size.height);
  return crop.width === 0 ? undefined : {label, box, mask: crop, id};
}
