import {join} from 'node:path';
import {mapConcurrently} from '../../../basics/concurrently.js';
import {MaskRcnnError} from '../../../basics/errors.js';
import {MAX_PIXELS} from '../../../image/format.js';
import type {InstanceMask} from '../../dataset.js';
import {
  type AnnotatedImage,
  type AnnotatedObject,
  type Annotations,
  occurringClasses,
  type Part,
  type Ring,
  Tally,
} from '../annotations.js';
import {bitmapOfRows} from '../bitmaps.js';
import {refuseDoubled} from '../doubled-images.js';
import type {Format, ReaderOptions} from '../format.js';
import {ImageFinder} from '../image-finder.js';
import {imageOf, isThere} from '../image-of.js';
import {ellipseRing, rectangleRing, turnedRing} from '../outlines.js';
import type {Place} from '../place.js';
import {readXml, type XmlTag} from './cvat-parser.js';

const FILES_AT_ONCE = 8;

/** The memory for the masks of one image: 1 GB. Run lengths of a few bytes can claim any number of pixels. */
const MOST_MASK_PIXELS = 4 * MAX_PIXELS;

/** The run lengths of a mask, which become a bitmap only when the image is used. */
type Runs = {runs: Uint32Array; at: Omit<InstanceMask, 'data'>};

/** `group`: shapes of one group are one object, as CVAT exports them to COCO; 0 for none. */
type Shape = {className: string; where: string; group: number; outline: {ring: Ring} | {boxAround: Ring} | Runs};

type CvatImage = {
  name: string;
  subset: string | undefined;
  size: {width: number; height: number};
  shapes: Shape[];
  /** The groups of the shapes so far, with their classes. */
  groups: Set<string>;
  maskPixels: number;
};

/** One XML file for all images, as CVAT exports it under 'CVAT for images 1.1'. */
export const cvat: Format = {
  name: 'CVAT',
  key: 'cvat',
  looks: "an XML file of 'CVAT for images 1.1', such as annotations.xml, with its images beside it or in images/",
  async recognise(place) {
    const files = await place.whose('.xml', isCvat);
    if (files.length === 0) return undefined;
    return {
      seen: files.length === 1 ? files[0]! : `${files.length} XML files of CVAT`,
      splits: [],
      read: (options) => read(place, files, options),
    };
  },
};

/** The elements that CVAT writes into its root, which tells it from other tools' annotations. */
function isCvat(head: string): boolean {
  return /<annotations[\s>]/.test(head) && /<version>1\.|<meta>|<image\s[^>]*\bname=|<track\s/.test(head);
}

async function read(place: Place, names: readonly string[], {images}: ReaderOptions): Promise<Annotations> {
  const path = place.onlyOne(names, 'XML file of CVAT');
  const tally = new Tally();
  const parsed = await parse(path, tally);
  const inner = join(place.folder, 'images');
  const folder = images ?? ((await isThere(inner)) ? inner : place.folder);
  const finder = await ImageFinder.in(folder);
  const found = await mapConcurrently(parsed.images.length, FILES_AT_ONCE, async (i): Promise<AnnotatedImage> => {
    const {name, subset, size, shapes} = parsed.images[i]!;
    // An exported project has its images in folders of their subsets.
    const inSubset = subset === undefined ? undefined : join(folder, subset, name);
    const file = inSubset !== undefined && (await isThere(inSubset)) ? inSubset : await imageOf(name, folder, finder);
    return imageWith(shapes, file, size, path);
  });
  refuseDoubled(found);
  return {images: found, classes: [...new Set([...parsed.labels, ...occurringClasses(tally)])], tally};
}

/** In a function of its own, so that no more than the shapes stays in memory. */
function imageWith(shapes: readonly Shape[], file: string, size: CvatImage['size'], path: string): AnnotatedImage {
  return {file, size, sources: [path], objects: async () => toObjects(shapes)};
}

async function parse(path: string, tally: Tally): Promise<{labels: readonly string[]; images: readonly CvatImage[]}> {
  const labels: string[] = [];
  const images: CvatImage[] = [];
  const names = new Map<string, string>();
  let label = {name: '', parent: ''};
  await readXml(path, {
    open(tag, parents) {
      if (parents.length === 0 && tag.name !== 'annotations') throw noCvat(path, `got <${tag.name}>`);
      if (parents.length === 1 && tag.name === 'track') throw noCvat(path, "got tracks, as of 'CVAT for video'");
      if (parents.length === 1 && tag.name === 'image') images.push(newImage(tag));
      if (parents.length !== 2 || parents[1] !== 'image') return;
      const shape = readShape(tag, images.at(-1)!, tally);
      if (shape === undefined) return;
      const className = names.get(shape.className) ?? copyOf(shape.className);
      names.set(className, className);
      const {shapes, groups} = images.at(-1)!;
      const group = `${shape.group} ${className}`;
      if (shape.group === 0 || !groups.has(group)) tally.object(className);
      if (shape.group !== 0) groups.add(group);
      shapes.push({...shape, className});
    },
    close(name, text, parents) {
      if (parents[1] !== 'meta' || parents.at(name === 'label' ? -1 : -2) !== 'labels') return;
      if (name === 'name' || name === 'parent') label[name] = text;
      if (name !== 'label') return;
      // The points of a skeleton have labels too, which name it as their parent.
      if (label.name !== '' && label.parent === '') labels.push(label.name);
      label = {name: '', parent: ''};
    },
  });
  return {labels, images};
}

/** The parser cuts its strings from pieces of the file, which stay in memory as long as the strings do. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}

function newImage(tag: XmlTag): CvatImage {
  const [width, height] = [tag.length('width'), tag.length('height')];
  if (!Number.isSafeInteger(width * height)) throw tag.wrong('width', 'the width of an image');
  const subset = tag.has('subset') ? copyOf(tag.text('subset')) : undefined;
  return {name: copyOf(tag.text('name')), subset, size: {width, height}, shapes: [], groups: new Set(), maskPixels: 0};
}

/** Undefined for shapes without a mask or a box. */
function readShape(tag: XmlTag, image: CvatImage, tally: Tally): Shape | undefined {
  const outline = readOutline(tag, image);
  if (outline === undefined) {
    tally.skip(tag.name);
    return undefined;
  }
  if ('boxAround' in outline) tally.useBox();
  else tally.use(tag.name);
  // Boxes have no parts.
  const group = 'boxAround' in outline || !tag.has('group_id') ? 0 : tag.whole('group_id');
  return {className: tag.text('label'), where: tag.where, group, outline};
}

/**
 * CVAT's canvas has (0, 0) at the outer corner of the first pixel. Boxes turn around their centre. Ellipses turn
 * clockwise on the screen, in degrees, as in its own masks of them (EllipsesToMasks in its dataset_manager, by OpenCV).
 */
function readOutline(tag: XmlTag, image: CvatImage): Shape['outline'] | undefined {
  switch (tag.name) {
    case 'polygon':
      return {ring: tag.points('points')};
    case 'ellipse': {
      const [x, y, rx, ry] = [tag.number('cx'), tag.number('cy'), tag.number('rx'), tag.number('ry')];
      const degrees = tag.has('rotation') ? tag.number('rotation') : 0;
      return {ring: ellipseRing(x, y, [rx, ry], (degrees * Math.PI) / 180)};
    }
    case 'mask':
      return readMask(tag, image);
    case 'box': {
      const [x0, y0, x1, y1] = [tag.number('xtl'), tag.number('ytl'), tag.number('xbr'), tag.number('ybr')];
      const angle = ((tag.has('rotation') ? tag.number('rotation') : 0) * Math.PI) / 180;
      return {boxAround: turnedRing(rectangleRing(x0, y0, x1, y1), (x0 + x1) / 2, (y0 + y1) / 2, angle)};
    }
    default:
      return undefined;
  }
}

function readMask(tag: XmlTag, image: CvatImage): Runs {
  const [left, top] = [tag.whole('left'), tag.whole('top')];
  const [width, height] = [tag.length('width'), tag.length('height')];
  image.maskPixels += width * height;
  if (image.maskPixels > MOST_MASK_PIXELS) {
    const must = `such that the masks of the image have ${MOST_MASK_PIXELS} pixels together at most`;
    throw tag.wrong('width', must);
  }
  const runs = tag.wholes('rle');
  const total = runs.reduce((sum, run) => sum + run, 0);
  if (total !== width * height) {
    throw tag.wrong('rle', `run lengths of ${width} × ${height} pixels`, `those of ${total} pixels`);
  }
  return {runs, at: {left, top, width, height}};
}

/** The objects, with the shapes of the same group and class as parts of one. */
function toObjects(shapes: readonly Shape[]): AnnotatedObject[] {
  const objects: {className: string; where: string; parts: Part[]}[] = [];
  const grouped = new Map<string, Part[]>();
  for (const {className, where, group, outline} of shapes) {
    const key = `${group} ${className}`;
    const known = group === 0 ? undefined : grouped.get(key);
    const parts = known ?? [];
    parts.push(toPart(outline));
    if (known !== undefined) continue;
    objects.push({className, where, parts});
    if (group !== 0) grouped.set(key, parts);
  }
  return objects;
}

function toPart(outline: Shape['outline']): Part {
  if ('boxAround' in outline) return outline;
  return 'ring' in outline ? {rings: [outline.ring]} : {bitmap: bitmapOfRows(Array.from(outline.runs), outline.at)!};
}

function noCvat(file: string, got: string): MaskRcnnError {
  return new MaskRcnnError('INVALID_DATASET', `${file} must be a file of 'CVAT for images 1.1', ${got}.`, {
    file,
    hint: "Export the task from CVAT as 'CVAT for images 1.1'.",
  });
}
