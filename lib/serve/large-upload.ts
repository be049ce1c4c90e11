import {rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {MaskRcnnError, sentenceOf} from '../basics/errors.js';
import {makeTemporaryFolder} from '../files/temporary-folder.js';
import {discard} from '../image/discard.js';
import {detectFormat} from '../image/format.js';
import {loadSharp} from '../image/load-sharp.js';
import {type OpenRegionsOptions, openRegions, regionsSize} from '../image/regions/open-regions.js';
import type {RegionSource} from '../image/regions/region-source.js';
import {tooManyPixels} from './problem.js';
import type {Upload} from './uploads.js';

/** An image that was sent, and is read in parts from a temporary file, which has no name any more. */
export type LargeUpload = {
  source: RegionSource;
  /** What `work` gives. Its errors name the image instead of the temporary file. */
  named<T>(work: () => Promise<T>): Promise<T>;
};

/**
 * Opens an image for reading it in parts, in memory that does not grow with it: its bytes are freed, and only the file
 * has them. The file is deleted as soon as it is open: its space is free again when the source is closed, however the
 * process ends. Throws TOO_MANY_PIXELS for one that is larger than `most` megapixels, or than `mostWhole` if its format
 * has to be decoded as a whole; INVALID_OPTION; INVALID_IMAGE.
 */
export async function openLargeUpload(
  {name, bytes}: Upload,
  options: OpenRegionsOptions,
  {most, mostWhole}: {most: number; mostWhole: number},
): Promise<LargeUpload> {
  const folder = await makeTemporaryFolder('serve');
  const file = join(folder, 'image');
  const named = <T>(work: () => Promise<T>) =>
    work().catch((error: unknown) => {
      throw error instanceof MaskRcnnError ? renamed(error, file, name) : error;
    });
  try {
    await writeFile(file, bytes);
    return await named(async () => {
      const {width, height} = await regionsSize(file, options);
      const pixels = width * height;
      if (pixels > most * 1e6) throw tooManyPixels(name, {width, height}, most);
      if (pixels > mostWhole * 1e6 && !(await hasRows(file, bytes))) {
        throw tooManyPixels(name, {width, height}, mostWhole, {
          hint: 'Only TIFF, and JPEG and PNG that are not progressive, are read in parts. Save it as one of them.',
        });
      }
      const source = await openRegions(file, options);
      discard(bytes);
      return {source, named};
    });
  } finally {
    await rm(folder, {recursive: true, force: true});
  }
}

/** Whether an image can be decoded row by row. Others have to be in memory as a whole. */
async function hasRows(file: string, bytes: Uint8Array): Promise<boolean> {
  const format = detectFormat(bytes);
  if (format === 'tiff') return true;
  if (format !== 'jpeg' && format !== 'png') return false;
  const sharp = await loadSharp();
  return !(await sharp(file, {limitInputPixels: false}).metadata()).isProgressive;
}

function renamed(error: MaskRcnnError, file: string, name: string): MaskRcnnError {
  const {code, hint, cause} = error;
  const other = (text: string) => text.replaceAll(file, name);
  return new MaskRcnnError(code, other(sentenceOf(error)), {...(hint !== undefined && {hint: other(hint)}), cause});
}
