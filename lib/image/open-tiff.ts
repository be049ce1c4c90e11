/** A TIFF in memory whose pages are made ready for sharp one after another, and what is known of them. */
import type {SharpOptions} from 'sharp';
import {Undecodable} from './bytes.js';
import {checkSize, MAX_PIXELS} from './format.js';
import {type Stack, type StackSize, stackOf} from './stack.js';
import {PHOTOMETRIC, TAG, TiffFile, type TiffPage} from './tiff.js';
import {type StoredPage, showStored} from './tiff-channels.js';
import {
  chooseTiffPage,
  hasPlainNumbers,
  isUsual,
  layoutOf,
  slicesOf,
  type TiffLayout,
  ZSTANDARD,
} from './tiff-layout.js';
import {withMissingBlocks} from './tiff-sparse.js';
import {withoutZstandard} from './tiff-zstandard.js';
import {refusingTiles} from './tile-faults.js';

/** The most numbers that are decoded at a time, as of an image of `MAX_PIXELS` with four channels. */
const MOST_SAMPLES = 4 * MAX_PIXELS;

/** A file whose wanted page sharp decodes, and what is known of it. */
export type Opened = {
  bytes: Uint8Array;
  open: SharpOptions;
  /** Pages or frames of the file, and how they are counted if it says so. */
  pages: number;
  stack?: StackSize;
  /** Of a TIFF whose stored numbers are read channel by channel. */
  stored?: StoredPage & {layout: TiffLayout};
};

/** Whether the stored numbers are wanted even of a file of the usual colours, and the inks of CMYK as such. */
export type Wanted = {numbers: boolean; inks: boolean};

/** The options of sharp for an image that is decoded whole. */
export function sharpOptions({exifOrientation}: {exifOrientation: boolean}): SharpOptions {
  return {
    failOn: 'error', // fail on truncated files, but accept files with a harmless oddity
    limitInputPixels: MAX_PIXELS,
    ignoreIcc: true,
    autoOrient: exifOrientation,
  };
}

/** What an image of a stack says of the pages of its file. */
export function storedStack({planes, size}: Stack): {pages: number; stack?: StackSize} {
  return {pages: planes, ...(size && {stack: size})};
}

export class OpenTiff {
  readonly file: TiffFile;
  readonly pages: readonly TiffPage[];
  readonly stack: Stack;

  private constructor(file: TiffFile, pages: readonly TiffPage[], stack: Stack) {
    this.file = file;
    this.pages = pages;
    this.stack = stack;
  }

  /** Reads the structure of a file. Throws an Error with the reason. */
  static async of(bytes: Uint8Array): Promise<OpenTiff> {
    const file = new TiffFile(bytes);
    const pages = await file.pages();
    const description = Buffer.from(file.text(pages[0]!, TAG.description), 'latin1')
      .toString('utf8')
      .split('\0', 1)[0]!;
    const stack = await stackOf({
      description,
      pages: slicesOf(file, pages),
      samples: (page) => samplesOf(file, pages, page),
    });
    return new OpenTiff(file, pages, stack);
  }

  /** Channels of a pixel of a page, alpha included. */
  samples(page: number): number {
    return samplesOf(this.file, this.pages, page);
  }

  /** Makes a page the first of the file. What was done for another page is undone. Throws an Error with the reason. */
  choose(index: number): TiffPage {
    this.file.undo();
    return chooseTiffPage(this.file, this.pages, index);
  }

  /**
   * Makes a page ready for sharp, until the next call. Throws an Error with the reason if it is not there, or is not
   * read.
   */
  async page(index: number, how: {exifOrientation: boolean}, wanted: Wanted): Promise<Opened> {
    const open = sharpOptions(how);
    const chosen = this.choose(index);
    const layout = layoutOf(this.file, chosen);
    checkSize(layout.width, layout.height);
    const {file, page} = await withMissingBlocks(this.file, chosen);
    const {bytes} = file;
    const ofFile = storedStack(this.stack);
    const isInk = layout.photometric === PHOTOMETRIC.cmyk && !wanted.inks;
    const isStored = hasPlainNumbers(layout) && !isInk && (wanted.numbers || !isUsual(layout));
    if (!isStored) {
      // libvips would mix the rows of the planes up.
      if (layout.isPlanar) {
        throw new Undecodable('its channels are stored each on its own, in a form that is not read');
      }
      return {bytes, open: await refusingTiles(page, bytes, open), ...ofFile};
    }
    const isPacked = layout.compression === ZSTANDARD;
    const readable = isPacked ? await withoutZstandard(file, page, layout) : {file, page};
    if (layout.width * layout.height * layout.channels > MOST_SAMPLES) {
      throw new Undecodable(`its ${layout.channels} channels have more than ${MOST_SAMPLES} numbers`);
    }
    const stored = {layout, ...showStored(readable.file, readable.page, layout)};
    const packed = readable.file.bytes;
    const options = await refusingTiles(page, packed, {...open, limitInputChannels: 2 * layout.channels});
    return {bytes: packed, open: options, ...ofFile, stored};
  }
}

/** Those of the first page, if a page has no entries of its own, as slices of ImageJ. */
function samplesOf(file: TiffFile, pages: readonly TiffPage[], page: number): number {
  return file.value(pages[page] ?? pages[0]!, TAG.samples) ?? 1;
}
