import type {Rle} from '../masks/rle.js';

/**
 * Format of masks. 'rle': COCO's compressed run-length encoding, as pycocotools reads it; 'bitmap': width × height
 * bytes of 0 and 1, row-major; 'float': width × height probabilities in 0..1, row-major; 'none': no masks, which saves
 * their computation.
 */
export type MaskFormat = 'rle' | 'bitmap' | 'float' | 'none';

/** Masks of one image, one per detection. */
export type Masks<F extends MaskFormat = MaskFormat> = {
  rle: Rle[];
  bitmap: Uint8Array[];
  float: Float32Array[];
  none: [];
}[F];

/** The D objects detected in one image, in descending order of score. */
export type Detections<F extends MaskFormat = 'rle'> = {
  /** The path or URL of the image, if it was given as one. */
  file?: string;
  /** Size of the image, in pixels. */
  width: number;
  height: number;
  /** D×4: x0, y0, x1, y1 in pixels of the image. */
  boxes: Float32Array;
  /** D labels. Label 1 is the first of `model.classes`. */
  labels: Int32Array;
  /** D names of the classes. */
  classNames: string[];
  /** D scores, 0..1. */
  scores: Float32Array;
  /** D masks. None if the format is 'none', or if the network has no mask head. */
  masks: Masks<F>;
};
