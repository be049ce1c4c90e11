import type {RgbImage} from '../read-image.js';

/** An image that is read piece by piece. Sizes and positions are in pixels of the level that was opened. */
export type RegionSource = {
  /** The file or name of the image, for messages and results. */
  readonly file: string;
  /** Size of the level in pixels. */
  readonly width: number;
  readonly height: number;
  /** The level that is read: 0 is the image in full size. */
  readonly level: number;
  /** By what factor the level is smaller than the image in full size, >= 1. */
  readonly downsample: number;
  /** The length of a pixel's side in µm, in this level. Undefined if the file does not tell it. */
  readonly micronsPerPixel: number | undefined;
  /** All levels of the image, the largest first. */
  readonly levels: readonly {width: number; height: number; downsample: number}[];
  /** Reads a rectangle, which must lie inside the level. Throws INVALID_IMAGE. */
  read(rect: {left: number; top: number; width: number; height: number}): Promise<RgbImage>;
  /** Closes the file. */
  close(): Promise<void>;
};
