import {readFile} from 'node:fs/promises';
import {extname} from 'node:path';
import {buffer} from 'node:stream/consumers';
import {crc32} from 'node:zlib';
import {mapConcurrently} from '../../../basics/concurrently.js';
import {MaskRcnnError} from '../../../basics/errors.js';
import {count, listed} from '../../../basics/wording.js';
import {naturalOrder} from '../../folder-scan.js';
import {type AnnotatedImage, type AnnotatedObject, type Annotations, Tally} from '../annotations.js';
import {refuseDoubled} from '../doubled-images.js';
import type {Format, ReaderOptions} from '../format.js';
import {ImageFinder} from '../image-finder.js';
import {Place} from '../place.js';
import {parseRoi, type Roi} from './imagej-roi.js';

/** The most bytes that one roi of a zip, and all of them, may have. A polygon of 65,535 points has 0.8 MB. */
const MAX_ENTRY = 1 << 26;
const MAX_ZIP = 1 << 28;

/** What the name of a file of regions has after that of its image. */
const SUFFIX = /(?<=.)([-_ ]rois?|[-_ ]?(RoiSet|ROIs?|Rois?))$/;

const FILES_AT_ONCE = 8;

/** Regions of interest of ImageJ and Fiji: NAME.roi, NAME_anything.roi or NAME_RoiSet.zip for NAME.tif. No classes. */
export const imagej: Format = {
  name: 'ImageJ ROIs',
  key: 'imagej',
  looks: 'a NAME_RoiSet.zip of ImageJ for each image, or files NAME.roi',
  async recognise(place) {
    const files = await filesOf(place);
    if (files.length === 0) return undefined;
    return {
      seen: `${count(files.length, 'file')} with regions of ImageJ`,
      splits: [],
      read: (options) => read(place, files, options),
    };
  },
};

async function filesOf(place: Place): Promise<string[]> {
  const rois = await place.whose('.roi', (head) => head.startsWith('Iout'));
  const zips = await place.whose('.zip', (head) => head.startsWith('PK\x03\x04') && /\.roi/i.test(head));
  const filled = [...rois, ...zips];
  // Beside others, an empty archive is that of an image without regions.
  const empty = filled.length === 0 ? [] : await place.whose('.zip', (head) => head.startsWith('PK\x05\x06'));
  return [...filled, ...empty.filter((name) => SUFFIX.test(stemOf(name)))];
}

function isZip(name: string): boolean {
  return extname(name).toLowerCase() === '.zip';
}

async function read(place: Place, names: readonly string[], {images: folder}: ReaderOptions): Promise<Annotations> {
  const tally = new Tally();
  const groups = await groupsOf(place, names, folder ?? place.folder);
  const images = await mapConcurrently(groups.length, FILES_AT_ONCE, async (i): Promise<AnnotatedImage> => {
    const {image, files} = groups[i]!;
    await objectsOf(files, tally);
    return {file: image, sources: files, objects: () => objectsOf(files, undefined)};
  });
  // Two zips, or a zip and the files that it was unpacked to.
  refuseDoubled(images);
  return {images, classes: [], tally};
}

/** The images with their files: one zip, or any number of .roi files. */
async function groupsOf(place: Place, names: readonly string[], folder: string) {
  const finder = await ImageFinder.in(folder);
  const there = ((await Place.at(folder).catch(() => undefined))?.images ?? []).map(stemOf);
  const isOnly = there.length === 1 && (names.length === 1 || !names.some(isZip));
  const groups = new Map<string, {image: string; files: string[]}>();
  for (const name of names) {
    const stem = isOnly ? there[0] : imageStem(stemOf(name), there);
    if (stem === undefined && there.length > 0 && !place.isFile) {
      throw new MaskRcnnError(
        'INVALID_DATASET',
        `${place.pathOf(name)} must begin with the name of its image, such as ${listed(there, 1)}.`,
        {file: place.pathOf(name)},
      );
    }
    const image = finder.named(stem ?? stemOf(name).replace(SUFFIX, ''));
    const key = isZip(name) ? name : image;
    const group = groups.get(key) ?? {image, files: []};
    group.files.push(place.pathOf(name));
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => naturalOrder(a.image, b.image));
}

function stemOf(name: string): string {
  return name.slice(0, name.length - extname(name).length);
}

/** The image whose name a file has, or has with more behind it: _RoiSet, _1. The longest, as img_1_2 is of img_1. */
function imageStem(stem: string, images: readonly string[]): string | undefined {
  const fits = images.filter((image) => stem.startsWith(image) && /^($|[-_ .]|rois?)/i.test(stem.slice(image.length)));
  return fits.sort((a, b) => b.length - a.length)[0];
}

async function objectsOf(files: readonly string[], tally: Tally | undefined): Promise<AnnotatedObject[]> {
  const objects: AnnotatedObject[] = [];
  for (const file of files) {
    for await (const {name, kind, rings, onFirstSlice} of roisOf(file)) {
      if (!onFirstSlice || rings === undefined) {
        tally?.skip(onFirstSlice ? kind : 'roi on another slice');
        continue;
      }
      tally?.use(kind);
      tally?.object(undefined);
      objects.push({className: undefined, where: `roi ${name}`, parts: [{rings}]});
    }
  }
  return objects;
}

/** The rois of a zip or a .roi file, with their names. */
async function* roisOf(file: string): AsyncGenerator<Roi & {name: string}> {
  if (isZip(file)) {
    yield* zippedRois(file);
    return;
  }
  const bytes = await readFile(file).catch((cause) => {
    throw new MaskRcnnError('INVALID_DATASET', `${file} cannot be read: ${cause.message}.`, {file, cause});
  });
  yield {name: stemOf(file.split(/[\\/]/).at(-1)!), ...parse(bytes, file, file)};
}

function parse(bytes: Uint8Array, name: string, file: string): Roi {
  try {
    return parseRoi(bytes);
  } catch (cause) {
    const message = `${name} must be a region of ImageJ: ${(cause as Error).message}.`;
    throw new MaskRcnnError('INVALID_DATASET', message, {file, cause});
  }
}

async function* zippedRois(file: string): AsyncGenerator<Roi & {name: string}> {
  const {openPromise} = await import('yauzl');
  const naming = (cause: unknown) =>
    new MaskRcnnError('INVALID_DATASET', `${file} must be a whole zip archive: ${(cause as Error).message}.`, {
      file,
      cause,
    });
  const zip = await openPromise(file, {autoClose: false}).catch((cause) => {
    throw naming(cause);
  });
  try {
    let total = 0;
    for await (const entry of zip.eachEntry()) {
      const {fileName, uncompressedSize} = entry;
      // macOS adds a hidden twin of each file.
      if (!/\.roi$/i.test(fileName) || fileName.startsWith('__MACOSX/')) continue;
      total += uncompressedSize;
      if (uncompressedSize > MAX_ENTRY || total > MAX_ZIP) throw new Error(`${fileName} is too large`);
      const bytes = await buffer(await zip.openReadStreamPromise(entry));
      if (crc32(bytes) !== entry.crc32) throw new Error(`the bytes of ${fileName} do not match their checksum`);
      yield {name: stemOf(fileName), ...parse(bytes, `${fileName} in ${file}`, file)};
    }
  } catch (cause) {
    throw cause instanceof MaskRcnnError ? cause : naming(cause);
  } finally {
    zip.close();
  }
}
