import {type FileHandle, open} from 'node:fs/promises';
import {MaskRcnnError} from '../../basics/errors.js';
import {checkOptions, integer, number, type Schema} from '../../basics/schema.js';
import {show} from '../../basics/wording.js';
import {hintOf, reasonOf, unreadable} from '../bytes.js';
import {MAX_PIXELS} from '../format.js';
import {PIXEL_OPTIONS, type PixelOptions, pixelOptionsOf} from '../pixel-options.js';
import type {RgbImage} from '../rgb-image.js';
import {type OpenedImage, openImage} from './open-pixels.js';
import type {Rect, RegionPixels, RegionSource} from './region-source.js';
import {resampled, scaledSize} from './resampled.js';

/**
 * Options of `openRegions()`. `range`, `page` and `channels` are those of `readImage()`, but 'percentile' is refused:
 * it would differ from region to region. `page` is the page that is level 0.
 */
export type OpenRegionsOptions = {
  /** Number of the level, from 0. Default 0, without the two below. At most one of the three is given. */
  level?: number;
  /** How many pixels of level 0 the pixels to read are wide, above 0. */
  downsample?: number;
  /** Length of the side of the pixels to read, in µm, above 0. */
  micronsPerPixel?: number;
} & PixelOptions;

/** The options that say how large the pixels are. */
export const SCALE_OPTIONS: Schema = {
  level: integer({min: 0}),
  downsample: number({above: 0}),
  micronsPerPixel: number({above: 0}),
};

/** Pixels whose sizes differ by this share are taken for equal: 3 %. */
const TOLERANCE = 0.03;

/**
 * Opens a large image, of which rectangles are then read in little memory: a TIFF or BigTIFF with tiles or strips, a
 * pyramid, an OME-TIFF, a slide of Aperio (SVS), a GeoTIFF. Levels are smaller copies in SubIFDs or on later pages;
 * thumbnails, labels and macro images are none. Channels that are pages have their levels in SubIFDs.
 *
 * With `micronsPerPixel` or `downsample`, the level is read whose pixels have that size or are the next smaller ones.
 * If they differ by more than 3 %, the pixels are resampled to exactly that size, and `width` and `height` are those of
 * the resampled level. If all levels are coarser, level 0 is enlarged.
 *
 * The last 64 MB of decoded tiles and strips are kept. Regions of up to 1024 rows, read from left to right and from top
 * to bottom, make the best use of that.
 *
 * The size of a pixel is what the file says: Aperio's `MPP`, OME's `PhysicalSizeX`, ImageJ's unit, or the tags
 * XResolution and ResolutionUnit if that gives at most 20 µm.
 *
 * JPEG, PNG, WebP, GIF, AVIF and BMP, and a few kinds of TIFF, have no parts that can be decoded on their own. They are
 * decoded once into a temporary file, of three bytes a pixel. JPEG and PNG need little memory for it, unless they are
 * progressive or interlaced; the others are decoded in memory. `range` and `channels` need the numbers that are stored:
 * if such a file has more than 8 bits, alpha or CMYK, they are an error. Strips and tiles that a TIFF leaves out are
 * GDAL_NODATA, or else 0, as for `readImage()`.
 *
 * Throws INVALID_OPTION; INVALID_IMAGE if the file cannot be read, or does not say the size of its pixels, and
 * `micronsPerPixel` is given; and WRITE_FAILED if there is no room for the temporary file.
 */
export async function openRegions(file: string, options: OpenRegionsOptions = {}): Promise<RegionSource> {
  return opened(file, options, async (image, handles) => {
    const {level, scale} = choose(file, image, options);
    const stored = await image.open(level, handles);
    return new OpenedRegions(file, image, {level, scale, stored, handles});
  });
}

/**
 * What a source of `openRegions()` would have: its size, how many pixels of level 0 a pixel is wide, and the size of
 * level 0. Reads the head of the file only. Throws as `openRegions()` does.
 */
export async function regionsSize(file: string, options: OpenRegionsOptions) {
  return opened(file, options, async (image, handles) => {
    const {level, scale} = choose(file, image, options);
    await closeAll(handles);
    const [{width, height}, {downsample, ...size}] = [image.levels[0]!, image.levels[level]!];
    return {...scaledSize(size, scale), downsample: downsample * scale, full: {width, height}};
  });
}

/** What the header of an image file says of its levels. */
export type ImageLevels = {
  /** The largest first. An image that is no pyramid has one. */
  levels: RegionSource['levels'];
  /** Length of the side of a pixel of level 0 in µm, if the file says it. */
  micronsPerPixel: number | undefined;
};

/**
 * The levels of an image file, as `openRegions()` counts them. Only the header is read, except of BMP. `page`: the one
 * that is level 0. Throws INVALID_IMAGE.
 */
export async function readLevels(file: string, {page = 0}: {page?: number | undefined} = {}): Promise<ImageLevels> {
  return opened(file, {page}, async ({levels, microns}, handles) => {
    await closeAll(handles);
    return {levels, micronsPerPixel: microns};
  });
}

/** The size of an image of any size at full resolution, upright, from the head of its file. Throws INVALID_IMAGE. */
export async function fullSize(file: string, {page}: {page: number}): Promise<{width: number; height: number}> {
  const {levels} = await readLevels(file, {page});
  const {width, height} = levels[0]!;
  return {width, height};
}

/** Opens a file for `use`, which closes it. If that fails, the file is closed here. */
async function opened<T>(
  file: string,
  options: OpenRegionsOptions,
  use: (image: OpenedImage, handles: FileHandle[]) => Promise<T>,
): Promise<T> {
  checkOptions(options, {...SCALE_OPTIONS, ...PIXEL_OPTIONS}, 'openRegions()');
  if (options.range === 'percentile') {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      "Option 'range' of openRegions() must be the same everywhere, got 'percentile'.",
      {
        hint: 'Give the values: range: [low, high].',
      },
    );
  }
  const scales = Object.keys(SCALE_OPTIONS).filter((name) => options[name as 'level'] !== undefined);
  if (scales.length > 1) {
    throw new MaskRcnnError('INVALID_OPTION', `openRegions() takes one of these options, got ${scales.join(' and ')}.`);
  }
  if (typeof file !== 'string') {
    throw new MaskRcnnError('INVALID_OPTION', `openRegions() needs the path of a file, got ${show(file)}.`);
  }
  const handle = await open(file).catch((cause) => {
    throw unreadable(file, cause, 'INVALID_IMAGE');
  });
  const handles = [handle];
  try {
    return await use(await openImage(file, handle, pixelOptionsOf(options)), handles);
  } catch (error) {
    await closeAll(handles);
    if (error instanceof MaskRcnnError) throw error;
    if ((error as NodeJS.ErrnoException).code !== undefined) throw unreadable(file, error, 'INVALID_IMAGE');
    const message = `${file} is not a readable image: ${reasonOf(error)}.`;
    throw new MaskRcnnError('INVALID_IMAGE', message, {file, ...hintOf(error), cause: error});
  }
}

/** The level to read, and how many of its pixels a pixel is wide. */
function choose(
  file: string,
  {levels, microns}: OpenedImage,
  {level = 0, micronsPerPixel, downsample}: OpenRegionsOptions,
): {level: number; scale: number} {
  if (micronsPerPixel === undefined && downsample === undefined) {
    if (level < levels.length) return {level, scale: 1};
    const message = `${file} has no level ${level}: its last level is ${levels.length - 1}.`;
    throw new MaskRcnnError('INVALID_IMAGE', message, {file});
  }
  if (downsample === undefined && microns === undefined) {
    throw new MaskRcnnError('INVALID_IMAGE', `${file} does not say how large its pixels are, or they are not square.`, {
      file,
      hint: "Choose a level by its number: option 'level'.",
    });
  }
  const wanted = downsample ?? micronsPerPixel! / microns!;
  const isFine = (other: {downsample: number}) => other.downsample <= wanted * (1 + TOLERANCE);
  const chosen = Math.max(0, levels.findLastIndex(isFine));
  const scale = wanted / levels[chosen]!.downsample;
  return {level: chosen, scale: Math.abs(scale - 1) <= TOLERANCE ? 1 : scale};
}

/**
 * Whether each read of `source` gives pixels that nobody else has: it is one of `openRegions()`, and its `read` was not
 * replaced, for example by one that keeps what it gives.
 */
export function givesOwnPixels(source: object): boolean {
  return source instanceof OpenedRegions && source.read === OpenedRegions.prototype.read;
}

class OpenedRegions implements RegionSource {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly level: number;
  readonly downsample: number;
  readonly micronsPerPixel: number | undefined;
  readonly levels: RegionSource['levels'];
  readonly #pixels: RegionPixels;
  readonly #handles: readonly FileHandle[];
  readonly #reads = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(
    file: string,
    {levels, microns}: OpenedImage,
    {level, scale, stored, handles}: {level: number; scale: number; stored: RegionPixels; handles: FileHandle[]},
  ) {
    this.#pixels = scale === 1 ? stored : resampled(stored, scale);
    this.#handles = handles;
    this.file = file;
    this.width = this.#pixels.width;
    this.height = this.#pixels.height;
    this.level = level;
    this.levels = levels;
    this.downsample = levels[level]!.downsample * scale;
    this.micronsPerPixel = microns === undefined ? undefined : microns * this.downsample;
  }

  async read(rect: Rect): Promise<RgbImage> {
    if (this.#isClosed) {
      throw new MaskRcnnError('DISPOSED', `${this.file} was read after close().`, {file: this.file});
    }
    this.#requireInside(rect);
    const {left, top, width, height} = rect;
    const reading = this.#pixels.read({left, top, width, height});
    this.#reads.add(reading);
    try {
      return await reading;
    } finally {
      this.#reads.delete(reading);
    }
  }

  /** Reads that have begun end first. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#reads);
    await closeAll(this.#handles);
  }

  #requireInside({left, top, width, height}: Rect): void {
    const isWhole = [left, top, width, height].every(Number.isSafeInteger);
    const isInside = left >= 0 && top >= 0 && left + width <= this.width && top + height <= this.height;
    if (!isWhole || width < 1 || height < 1 || !isInside) {
      const wanted = `${show(width)} × ${show(height)} pixels from (${show(left)}, ${show(top)})`;
      throw new RangeError(`A region must be inside the ${this.width} × ${this.height} pixels of ${this.file}, got \
${wanted}.`);
    }
    if (width * height > MAX_PIXELS) {
      throw new RangeError(`A region must have at most ${MAX_PIXELS} pixels, got ${width} × ${height}.`);
    }
  }
}

async function closeAll(handles: readonly FileHandle[]): Promise<void> {
  await Promise.all(handles.map((handle) => handle.close()));
}
