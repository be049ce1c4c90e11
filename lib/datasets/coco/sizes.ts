import {join} from 'node:path';
import {mapConcurrently} from '../../basics/concurrently.js';
import {MaskRcnnError} from '../../basics/errors.js';
import {readImageSize} from '../../image/read-image.js';
import type {CocoImage, StatedImage} from './annotation-index.js';

/** Number of image files to read at the same time. */
const CONCURRENCY = 4;

/**
 * Completes the sizes that the annotation file does not give with those of the image files in `folder`, upright by
 * their EXIF orientation as `readImage()` returns them. Reads no other image. Throws INVALID_IMAGE, which names the
 * first image that cannot be read.
 */
export async function completeSizes(
  images: readonly StatedImage[],
  folder: string,
  annotationFile: string,
): Promise<CocoImage[]> {
  const complete: (StatedImage | CocoImage)[] = [...images];
  const lacking = images.flatMap(({width, height}, index) =>
    width === undefined || height === undefined ? [index] : [],
  );
  const failures: MaskRcnnError[] = [];
  await mapConcurrently(lacking.length, CONCURRENCY, async (i) => {
    const image = images[lacking[i]!]!;
    try {
      const {width, height} = await readImageSize(join(folder, image.fileName));
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
 * The error for an image file whose size, upright, is not the one that the annotation file states. If the stored pixels
 * have that size, the hint says that the EXIF orientation is the cause.
 */
export async function wrongSize(
  file: string,
  stated: Size,
  upright: Size,
  annotationFile: string,
): Promise<MaskRcnnError> {
  const stored = await readImageSize(file, {exifOrientation: false}).catch(() => upright);
  const isTurned = stored.width === stated.width && stored.height === stated.height;
  return new MaskRcnnError(
    'INVALID_IMAGE',
    `${file} must be of ${shown(stated)} pixels, as ${annotationFile} says, got ${shown(upright)}.`,
    {
      file,
      ...(isTurned && {
        hint:
          `The cause is the photo's EXIF orientation: it turns the stored ${shown(stored)} pixels upright, and the ` +
          'annotations are of the stored ones. Remove the tag from the photo (exiftool -Orientation= FILE), or annotate ' +
          'the upright photo.',
      }),
    },
  );
}

type Size = {width: number; height: number};

function shown({width, height}: Size): string {
  return `${width} × ${height}`;
}
