import {access} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import type {StatedImage} from './annotation-index.js';

/** Of so many images the first is looked for: one that is missing says nothing of the others. */
const LOOKED_FOR = 8;

/**
 * The folder of the images, and the images with their names below it. Without `given`, that is the folder of the
 * annotation file, or images/ in it. Annotations may name images with a path of another machine: then the last part of
 * the path counts, if no two images share it. If no image is there, names stay as they are.
 */
export async function findImages(
  images: readonly StatedImage[],
  annotationFile: string,
  given: string | undefined,
): Promise<{folder: string; images: readonly StatedImage[]}> {
  const beside = dirname(annotationFile);
  const folders = given === undefined ? [beside, join(beside, 'images')] : [given];
  const areDistinct = new Set(images.map(({fileName}) => lastPart(fileName))).size === images.length;
  for (const folder of folders) {
    for (const nameOf of areDistinct ? [asStated, lastPart] : [asStated]) {
      const files = images.slice(0, LOOKED_FOR).map(({fileName}) => join(folder, nameOf(fileName)));
      if (!(await Promise.all(files.map(isThere))).some(Boolean)) continue;
      return {folder, images: images.map((image) => ({...image, fileName: nameOf(image.fileName)}))};
    }
  }
  return {folder: folders[0]!, images};
}

function asStated(path: string): string {
  return path;
}

function lastPart(path: string): string {
  return path.split(/[\\/]/).at(-1)!;
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
