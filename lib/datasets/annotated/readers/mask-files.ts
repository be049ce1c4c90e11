import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {mapConcurrently} from '../../../basics/concurrently.js';
import {MaskRcnnError} from '../../../basics/errors.js';
import {type AnnotatedImage, type AnnotatedObject, Tally} from '../annotations.js';
import {bitmapOfFile} from '../bitmaps.js';
import type {Format} from '../format.js';
import type {Place} from '../place.js';
import {isSplitName} from '../split-names.js';

const FOLDERS_AT_ONCE = 8;
/** So many folders decide whether it is this format. */
const LOOKED_AT = 3;

/** A folder for each image: the image in images/, and one mask for each object in masks/ (Data Science Bowl 2018). */
export const maskFiles: Format = {
  name: 'one mask file for each object',
  key: 'mask-files',
  looks: 'a folder for each image, with images/ and one mask for each object in masks/',
  async recognise(place) {
    if (place.isFile || place.folders.length === 0) return undefined;
    // Folders of images and masks may be the splits of one data set.
    if (place.folders.every(isSplitName)) return undefined;
    const some = await Promise.all(place.folders.slice(0, LOOKED_AT).map((name) => place.inside(name)));
    if (!some.every(({folders}) => folders.includes('images') && folders.includes('masks'))) return undefined;
    return {
      seen: `${place.folders.length} folders with images/ and masks/`,
      splits: [],
      async read() {
        const tally = new Tally();
        const read = (i: number) => readFolder(place, place.folders[i]!, tally);
        return {images: await mapConcurrently(place.folders.length, FOLDERS_AT_ONCE, read), classes: [], tally};
      },
    };
  },
};

async function readFolder(place: Place, name: string, tally: Tally): Promise<AnnotatedImage> {
  const path = join(place.path, name);
  const {folders} = await place.inside(name);
  const [images, masks] = await Promise.all(
    ['images', 'masks'].map(async (inner) =>
      folders.includes(inner) ? (await place.inside(`${name}/${inner}`)).images : [],
    ),
  );
  if (images!.length !== 1) {
    throw new MaskRcnnError('INVALID_DATASET', `${join(path, 'images')} must hold one image, got ${images!.length}.`, {
      file: path,
    });
  }
  const files = masks!.map((mask) => join(path, 'masks', mask));
  for (const _ of files) {
    tally.use('mask');
    tally.object(undefined);
  }
  return {
    file: join(path, 'images', images![0]!),
    sources: files,
    objects: async () => mapConcurrently(files.length, FOLDERS_AT_ONCE, (i) => readObject(files[i]!)),
  };
}

async function readObject(file: string): Promise<AnnotatedObject> {
  const bytes = await readFile(file).catch((cause: Error) => {
    throw new MaskRcnnError('INVALID_MASK', `${file} cannot be read: ${cause.message}.`, {file, cause});
  });
  return {
    className: undefined,
    where: file,
    parts: [{bitmap: await bitmapOfFile(bytes, {left: 0, top: 0, name: file})}],
  };
}
