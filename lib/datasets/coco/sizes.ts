import {join} from 'node:path';
import {mapConcurrently} from '../../basics/concurrently.js';
import {MaskRcnnError} from '../../basics/errors.js';
import {orientationNotice} from '../../image/notices.js';
import type {PixelOptions} from '../../image/pixel-options.js';
import {type RgbImage, readImage, readImageSize} from '../../image/read-image.js';
import {regionsOfImage} from '../../image/regions/image-regions.js';
import {type LargeImage, type LevelOptions, largeImage} from '../../image/regions/large-image.js';
import {fullSize} from '../../image/regions/open-regions.js';
import type {CocoImage, StatedImage} from './annotation-index.js';

/** Number of image files to read at the same time. */
const CONCURRENCY = 4;

/**
 * Completes the sizes that the annotation file does not give with those of the image files in `folder`, upright by
 * their EXIF orientation as `readImage()` returns them; of several pages, page `page` counts. Reads no other image.
 * Throws INVALID_IMAGE, which names the first image that cannot be read.
 */
export async function completeSizes(
  images: readonly StatedImage[],
  {folder, annotationFile, page}: {folder: string; annotationFile: string; page: number},
): Promise<CocoImage[]> {
  const complete: (StatedImage | CocoImage)[] = [...images];
  const lacking = images.flatMap(({width, height}, index) =>
    width === undefined || height === undefined ? [index] : [],
  );
  const failures: MaskRcnnError[] = [];
  await mapConcurrently(lacking.length, CONCURRENCY, async (i) => {
    const image = images[lacking[i]!]!;
    try {
      const {width, height} = await fullSize(join(folder, image.fileName), {page});
      complete[lacking[i]!] = {...image, width: image.width ?? width, height: image.height ?? height};
    } catch (error) {
      if (!(error instanceof MaskRcnnError)) throw error;
      failures.push(error);
    }
  });
  const [first] = failures;
  if (first === undefined) return complete as CocoImage[];
  const others = failures.length === 1 ? '' : `, and ${failures.length - 1} more cannot be read either`;
  throw new MaskRcnnError(first.code, first.message, {
    ...(first.file !== undefined && {file: first.file}),
    hint: `${annotationFile} gives no width and height for this image, so the file is needed${others}.`,
    cause: first,
  });
}

/**
 * Reads an image whose size the annotations state. If it has that size only without the turn of its EXIF orientation,
 * the annotations are of the stored pixels: then these are read, with a notice. Throws INVALID_IMAGE for any other
 * size.
 */
export async function readSized(
  file: string,
  stated: Size,
  {annotationFile, pixels}: {annotationFile: string; pixels: PixelOptions},
): Promise<RgbImage> {
  const upright = await readImage(file, pixels);
  if (isSame(upright, stated)) return upright;
  const {page = 0} = pixels;
  const stored = await readImageSize(file, {exifOrientation: false, page}).catch(() => upright);
  if (isSame(stored, stated)) {
    const image = await readImage(file, {exifOrientation: false, ...pixels});
    return {...image, notices: [...(image.notices ?? []), orientationNotice(file, stated)]};
  }
  throw unlikeStated(file, stated, upright, annotationFile);
}

/**
 * The same for reading rectangles of the image. An image that has the stated size only as it is stored, without being
 * turned, is decoded whole.
 */
export async function sizedLargeImage(
  file: string,
  stated: Size,
  {level, ...how}: {annotationFile: string; pixels: PixelOptions; level: LevelOptions},
): Promise<LargeImage> {
  const image = await largeImage(file, {...how.pixels, ...level});
  if (isSame(image.full, stated)) return image;
  const turned = await readImageSize(file, {exifOrientation: false, page: how.pixels.page ?? 0}).catch(
    () => image.full,
  );
  if (isSame(turned, stated) && image.downsample === 1) {
    return {
      ...image,
      ...stated,
      full: stated,
      open: async () => regionsOfImage(await readSized(file, stated, how), file),
    };
  }
  throw unlikeStated(file, stated, image.full, how.annotationFile);
}

function unlikeStated(file: string, stated: Size, got: Size, annotationFile: string): MaskRcnnError {
  const expected = `of ${shown(stated)} pixels, as ${annotationFile} says`;
  return new MaskRcnnError('INVALID_IMAGE', `${file} must be ${expected}, got ${shown(got)}.`, {file});
}

type Size = {width: number; height: number};

function isSame(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

function shown({width, height}: Size): string {
  return `${width} × ${height}`;
}
