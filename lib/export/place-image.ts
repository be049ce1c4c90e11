import {constants} from 'node:fs';
import {access, copyFile, mkdir, symlink} from 'node:fs/promises';
import {dirname, join, resolve} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {writing} from '../files/writing.js';
import {loadSharp} from '../image/load-sharp.js';
import type {DatasetImage} from './dataset-image.js';

/** Where images are put, and how. */
export type PlacedImages = {
  how: 'copy' | 'link' | 'none';
  /** The folder in which they are written. */
  root: string;
  /** Its path when everything is written. */
  final: string;
};

/** Puts an image to `path` below the root. Throws INVALID_IMAGE if its file is missing, and WRITE_FAILED. */
export async function placeImage(
  {source, pixels}: DatasetImage,
  path: string,
  {how, root}: PlacedImages,
): Promise<void> {
  if (how === 'none') return;
  const file = join(root, path);
  await writing(file, () => mkdir(dirname(file), {recursive: true}));
  if (source === undefined) {
    const {data, width, height} = pixels!;
    const sharp = await loadSharp();
    await writing(file, () =>
      sharp(data, {raw: {width, height, channels: 3}})
        .png()
        .toFile(file),
    );
    return;
  }
  await access(source, constants.R_OK).catch((cause: Error) => {
    throw new MaskRcnnError('INVALID_IMAGE', `${source} cannot be read: ${cause.message}.`, {
      file: source,
      hint: "Pass images: 'none' to write the annotations alone.",
      cause,
    });
  });
  if (how === 'link') await writing(file, () => symlink(resolve(source), file), 'Copy the images instead.');
  else await writing(file, () => copyFile(source, file, constants.COPYFILE_FICLONE));
}
