import type {RgbImage} from '../rgb-image.js';

/** A rectangle of whole pixels. */
export type Rect = {left: number; top: number; width: number; height: number};

/** Pixels of one level of a large image, read piece by piece. */
export type RegionSource = {
  readonly file: string;
  /** Size of the level in pixels. */
  readonly width: number;
  readonly height: number;
  /** Number of the level, 0 is the largest. If pixels are resampled, the level that they are made of. */
  readonly level: number;
  /** How many pixels of level 0 a pixel is wide. */
  readonly downsample: number;
  /** Length of a pixel's side in µm at this level, if the file says it. */
  readonly micronsPerPixel: number | undefined;
  /** All levels of the file, the largest first. */
  readonly levels: readonly {width: number; height: number; downsample: number}[];
  /**
   * 8-bit RGB pixels of a rectangle inside the image, as `readImage()` would give them. Only what it touches is read
   * and decoded. Several reads at once are allowed. Throws a RangeError if the rectangle is not inside the image, and
   * INVALID_IMAGE if a part of it cannot be decoded.
   */
  read(rect: Rect): Promise<RgbImage>;
  /** Closes the file and deletes what was written to the temporary folder. Later reads throw DISPOSED. */
  close(): Promise<void>;
};

/** As much of a source as tiles need. `file` is its name in messages. */
export type TileSource = Pick<RegionSource, 'width' | 'height' | 'read'> & {readonly file?: string};

/** Pixels that a region source is made of. Rectangles are inside the image: the source has checked them. */
export type RegionPixels = {
  readonly width: number;
  readonly height: number;
  read(rect: Rect): Promise<RgbImage>;
};
