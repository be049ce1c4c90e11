import type {Rle} from '../masks/rle.js';
import type {LossKind} from './losses.js';

/** An object of which only the box is known, to be written. */
export type BoxAnnotation = {
  /** 1 for the first of the classes. */
  label: number;
  /** left, top, width, height in pixels. */
  box: readonly [number, number, number, number];
  /** What the annotator says of it, in pixels. Undefined: that of the mask. */
  area?: number | undefined;
  /** 0..1. Undefined for objects that people have annotated. */
  score?: number | undefined;
  /** Whether this is a region of many objects, as in COCO. */
  crowd: boolean;
};

/** An object to be written. */
export type ObjectAnnotation = BoxAnnotation & {mask: Rle};

export function hasMask<T extends BoxAnnotation & {mask?: Rle}>(object: T): object is T & {mask: Rle} {
  return object.mask !== undefined;
}

/** An image with its objects, to be written. */
export type ImageAnnotations = {
  /** The image's path below the folder of the images, with '/'. It differs from those of all other images. */
  name: string;
  /** Where the image is, relative to the root of what is written and with '/', if it is not written there too. */
  location?: string | undefined;
  /** In pixels. */
  width: number;
  height: number;
  /** How much a network doubts the objects, 0..1, if it was asked. */
  doubt?: number | undefined;
  objects: readonly (BoxAnnotation & {mask?: Rle})[];
};

/** An image that is numbered, and knows what becomes of its losses. */
export type NumberedImage = Omit<ImageAnnotations, 'objects'> & {
  /** The objects that have masks. */
  objects: readonly ObjectAnnotation[];
  /** The others, if the format has a place for them. They come after the objects. */
  boxes: readonly BoxAnnotation[];
  /** The part of the data set, such as 'train'; undefined if it is not split. */
  split: string | undefined;
  /** 0, 1, ...: its number in the split. */
  index: number;
  /** The number of objects on the images of the split before it. */
  objectsBefore: number;
  /** Counts what the format cannot hold of object `object`, 1 for the first. */
  lose(kind: LossKind, object: number, number?: number): void;
};

/** The name without its extension. */
export function stemOf(name: string): string {
  return name.replace(/\.[^./]+$/, '');
}
