import {mapConcurrently} from '../../../basics/concurrently.js';
import {
  type AnnotatedImage,
  type AnnotatedObject,
  type Annotations,
  occurringClasses,
  type Part,
  Tally,
} from '../annotations.js';
import {bitmapOfFile} from '../bitmaps.js';
import {refuseDoubled} from '../doubled-images.js';
import {Fields} from '../fields.js';
import type {Format, ReaderOptions} from '../format.js';
import {ImageFinder} from '../image-finder.js';
import {ellipseRing, rectangleRing, ringOf} from '../outlines.js';
import {type Place, readJson} from '../place.js';
import {statedSize} from '../stated-size.js';

/** Labels of shapes that are no objects (labelme's documentation of its labels file). */
export const NO_CLASSES: ReadonlySet<string> = new Set(['__ignore__', '_background_']);

const FILES_AT_ONCE = 8;

/** One JSON file beside each image. Versions 3 to 7 of LabelMe differ only in fields that are not needed. */
export const labelme: Format = {
  name: 'LabelMe',
  key: 'labelme',
  looks: 'a NAME.json of LabelMe for each image',
  async recognise(place) {
    const files = await place.whose('.json', isLabelme);
    if (files.length === 0) return undefined;
    return {
      seen: `${files.length} of LabelMe's JSON files`,
      splits: [],
      read: (options) => read(place, files, options),
    };
  },
};

function isLabelme(head: string): boolean {
  return /"shapes"\s*:\s*\[/.test(head) && /"version"|"imagePath"|"shape_type"/.test(head);
}

async function read(place: Place, names: readonly string[], {images: folder}: ReaderOptions): Promise<Annotations> {
  const finder = await ImageFinder.in(folder ?? place.folder);
  const tally = new Tally();
  const images = await mapConcurrently(names.length, FILES_AT_ONCE, async (i): Promise<AnnotatedImage> => {
    const path = place.pathOf(names[i]!);
    const file = new Fields(path, await readJson(path));
    await objectsOf(file, tally);
    return {
      file: finder.find(file.has('imagePath') ? file.text('imagePath') : names[i]!),
      size: statedSize(file, 'imageWidth', 'imageHeight'),
      sources: [path],
      objects: async () => objectsOf(new Fields(path, await readJson(path)), undefined),
    };
  });
  refuseDoubled(images);
  return {images, classes: occurringClasses(tally), tally};
}

/** Shapes of one label and group are one object. */
async function objectsOf(file: Fields, tally: Tally | undefined): Promise<AnnotatedObject[]> {
  const objects = new Map<string, AnnotatedObject & {parts: Part[]}>();
  for (const shape of file.objects('shapes')) {
    const label = shape.text('label');
    if (NO_CLASSES.has(label)) {
      tally?.skip(label);
      continue;
    }
    const kind = shape.optionalText('shape_type') ?? 'polygon';
    const part = await partOf(shape, kind);
    if (part === undefined) {
      tally?.skip(kind);
      continue;
    }
    tally?.use(kind);
    const group = shape.has('group_id') ? JSON.stringify([label, shape.raw('group_id')]) : shape.name;
    const known = objects.get(group);
    if (known !== undefined) {
      known.parts.push(part);
      continue;
    }
    tally?.object(label);
    objects.set(group, {className: label, where: shape.name, parts: [part]});
  }
  return [...objects.values()];
}

/** Undefined for shapes without an area. */
async function partOf(shape: Fields, kind: string): Promise<Part | undefined> {
  if (['point', 'points', 'line', 'linestrip'].includes(kind)) return undefined;
  const points = shape.points('points');
  if (kind === 'polygon') return {rings: [ringOf(points)]};
  const [first, second] = points;
  if (first === undefined || second === undefined) throw shape.wrong('points', `two points of a ${kind}`);
  switch (kind) {
    case 'rectangle':
      return {rings: [rectangleRing(...first, ...second)]};
    case 'circle': {
      const radius = Math.hypot(second[0] - first[0], second[1] - first[1]);
      return {rings: [ellipseRing(...first, [radius, radius])]};
    }
    case 'mask': {
      const bytes = Buffer.from(shape.text('mask'), 'base64');
      // The points are the first and the last pixel.
      const [left, top] = [Math.round(Math.min(first[0], second[0])), Math.round(Math.min(first[1], second[1]))];
      return {bitmap: await bitmapOfFile(bytes, {left, top, name: `the mask of ${shape.name} in ${shape.file}`})};
    }
    default:
      throw shape.wrong('shape_type', 'polygon, rectangle, circle, mask, line, linestrip or point');
  }
}
