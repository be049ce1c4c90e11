import type {OnTop} from '../masks/paint-labels.js';
import type {Rle} from '../masks/rle.js';
import type {Detections} from './detections.js';

/** Detections as plain values that `JSON.stringify()` can write. */
export type DetectionsJson = {
  file?: string;
  /** Size of the image in pixels. */
  width: number;
  height: number;
  /** Of an image that was predicted in tiles at a lower resolution: how many pixels of the image a pixel is wide. */
  downsample?: number;
  /** How much the network doubts what it found, 0..1: see `doubt()`. With `maskrcnn predict --order doubt`. */
  doubt?: number;
  /** In descending order of score; those of an image that was predicted in tiles, as they were found. */
  objects: {
    /**
     * 1, 2, ...: the number of the object in all that is made of these detections, such as its value in a label mask
     * and its number on an overlay.
     */
    id: number;
    class: string;
    /** 0..1. */
    score: number;
    /** x0, y0, x1, y1 in pixels of the image. */
    box: number[];
    /** COCO's compressed run-length encoding, as pycocotools reads it. Absent if the detections have no masks. */
    mask?: Rle;
    /** True for an object of which tiles cut a part that was not found. */
    cut?: true;
  }[];
  /**
   * How the label mask was made, if `maskrcnn predict` wrote one: the rule for overlaps (see `LabelsOptions`), and the
   * ids of the objects that have no pixel in it.
   */
  labels?: {onTop: OnTop; missing: number[]};
};

/** Converts `detections` to one plain object per detection, as `maskrcnn predict --save json` writes them. */
export function detectionsToJson(detections: Detections<'rle'> | Detections<'none'>): DetectionsJson {
  const {file, width, height, boxes, classNames, scores, masks} = detections;
  const objects = classNames.map((name, index) => {
    const mask = masks[index];
    const box = [...boxes.subarray(4 * index, 4 * index + 4)];
    return {id: index + 1, class: name, score: scores[index]!, box, ...(mask && {mask})};
  });
  return {...(file !== undefined && {file}), width, height, objects};
}
