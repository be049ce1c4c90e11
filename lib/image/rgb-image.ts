import type {FileNotice} from './notices.js';
import type {SampleType} from './samples.js';
import type {StackSize} from './stack.js';

/** What an image file stores, of which 8-bit RGB is made. */
export type StoredPixels = {
  /** Type of the numbers, by numpy's name. */
  type: SampleType;
  /** Channels of a pixel, alpha included. Of a stack whose channels are pages: of a plane. */
  channels: number;
  /** Pages, or frames. Of a stack whose channels are pages: planes. */
  pages: number;
  /** How pages are counted, if the file says it: OME-TIFF and files of ImageJ do. */
  stack?: StackSize;
  /**
   * Smallest and largest finite number of the channels that were read. Missing if there is none, and for files of 8
   * bits that are read without `range` and `channels`, whose numbers are those of `data`.
   */
  values?: [least: number, most: number];
};

/** An 8-bit RGB image, row-major, three bytes per pixel (R, G, B in 0..255): `data.length === width * height * 3`. */
export type RgbImage = {
  data: Uint8Array;
  width: number;
  height: number;
  /**
   * What was left out of the file: the lower bits of more than 8, pages after the first, channels. Missing if there is
   * nothing to tell. `inspect()` gathers the notices of a data set.
   */
  notices?: readonly FileNotice[];
  /** What the file stores. Missing for raw pixels. */
  stored?: StoredPixels;
};
