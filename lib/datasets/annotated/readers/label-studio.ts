import {MaskRcnnError} from '../../../basics/errors.js';
import {fullSize} from '../../../image/regions/open-regions.js';
import {type AnnotatedImage, type AnnotatedObject, type Annotations, occurringClasses, Tally} from '../annotations.js';
import {refuseDoubled} from '../doubled-images.js';
import {Fields} from '../fields.js';
import type {Format, ReaderOptions} from '../format.js';
import {type Place, readJson} from '../place.js';
import {statedSize} from '../stated-size.js';
import {type Geometry, geometryOf, partOf, type Size} from './label-studio-geometry.js';
import {imageFolder, TaskImages} from './label-studio-image.js';

type Region = {className: string | undefined; where: string; geometry: Geometry};

/** The kinds of regions that are left out. */
const LEFT_OUT: readonly string[] = ['keypoint', 'vector'];

/** The types of results that are shapes: `polygonlabels`, or `polygon` if the class is in a result of its own. */
const SHAPE = /^(polygon|brush|bitmask|ellipse|rectangle|keypoint|vector)(labels)?$/;

/** What other controls than those of shapes write. */
const OTHER_VALUES = ['text', 'choices', 'rating', 'taxonomy', 'number'];

/** The JSON and the JSON-MIN export: one file for all images. */
export const labelStudio: Format = {
  name: 'Label Studio',
  key: 'label-studio',
  looks: 'a JSON or JSON-MIN export of Label Studio',
  async recognise(place) {
    const exports = await place.whose('.json', isLabelStudio);
    if (exports.length === 0) return undefined;
    return {
      seen: exports.length === 1 ? exports[0]! : `${exports.length} exports of Label Studio`,
      splits: [],
      read: (options) => read(place, exports, options),
    };
  },
};

/** What only Label Studio writes. Some of it comes first, because the first shape may be longer than the beginning. */
const OWN_WORDS = [
  /"(from_name|original_width|was_cancelled|file_upload|total_annotations)"\s*:/,
  /"(polygon|brush|bitmask|ellipse|rectangle|keypoint)labels"/i,
  /"format"\s*:\s*"rle"/,
];

function isLabelStudio(head: string): boolean {
  return /^\ufeff?\s*\[\s*\{/.test(head) && OWN_WORDS.some((words) => words.test(head));
}

async function read(
  place: Place,
  exports: readonly string[],
  {images: folder, page = 0}: ReaderOptions,
): Promise<Annotations> {
  const path = place.onlyOne(exports, 'export of Label Studio');
  const tasks = await readJson(path);
  if (!Array.isArray(tasks)) {
    throw new MaskRcnnError('INVALID_DATASET', `${path} must be a list of tasks.`, {file: path});
  }
  const files = await TaskImages.in(folder ?? (await imageFolder(place.folder)));
  const tally = new Tally();
  const images: AnnotatedImage[] = [];
  const minimal = new Set<unknown>();
  for (const [i, task] of tasks.entries()) {
    const fields = new Fields(path, task, `[${i}]`);
    if (tasks.length === 1 && isBarePrediction(fields) && files.only !== undefined) {
      images.push(imageOf({file: files.only, page}, path, regionsOf(fields), tally));
      continue;
    }
    const isTask = ['data', 'annotations', 'completions', 'predictions', 'result'].some((key) => fields.has(key));
    const data = isTask ? fields.object('data') : fields;
    const results = isTask ? resultsOfTask(fields, tally) : resultsOfMinimal(fields, minimal, tally);
    if (results !== undefined) images.push(imageOf({file: files.of(fields, data), page}, path, results, tally));
  }
  refuseDoubled(images);
  return {images, classes: occurringClasses(tally), tally};
}

/** A result and its value. `isShape`: whether its type is one of shapes, not of classes or texts for a shape. */
type Result = {holder: Fields; value: Fields; kind: string | undefined; isShape: boolean};

/**
 * The results of the first annotation that counts, as lists of those that are about the same region. Undefined if
 * nobody annotated the image: it may be full of objects. A task without any annotation has those of its first
 * prediction, which people import to train on as they are; they count as used all the same.
 */
function resultsOfTask(task: Fields, tally: Tally): Result[][] | undefined {
  const key = task.has('completions') ? 'completions' : 'annotations'; // before version 1.0
  const all = task.has(key) ? task.objects(key) : [];
  // Some exports have only the numbers of the predictions.
  const isPredicted = all.length === 0 && task.has('predictions') && task.list('predictions').every(isObject);
  const candidates = isPredicted ? task.objects('predictions') : all;
  const isCancelled = (each: Fields) => each.raw('was_cancelled') === true || each.raw('skipped') === true;
  const [first, ...others] = candidates.filter((each) => !isCancelled(each));
  if (first === undefined) {
    tally.skip('image without annotations');
    return undefined;
  }
  for (const _ of others) tally.skip(isPredicted ? 'prediction of another model' : 'annotation of another annotator');
  return regionsOf(first);
}

/** What a model's server returns: results without a task, so without the name of an image. */
function isBarePrediction(fields: Fields): boolean {
  return fields.has('result') && !fields.has('data');
}

/** The results of an annotation, as lists of those that are about the same region. */
function regionsOf(annotation: Fields): Result[][] {
  const regions: Result[][] = [];
  const byId = new Map<unknown, Result[]>();
  for (const holder of annotation.objects('result')) {
    // Relations between regions have no value.
    if (!holder.has('value')) continue;
    const value = holder.object('value');
    const named = SHAPE.exec(holder.text('type').toLowerCase())?.[1];
    const result = {holder, value, kind: named ?? kindOfValue(value), isShape: named !== undefined};
    const id = holder.raw('id') ?? holder.name;
    const region = byId.get(id);
    // Programs give several shapes the same id.
    if (region !== undefined && !(result.isShape && region.some(({isShape}) => isShape))) {
      region.push(result);
      continue;
    }
    regions.push([result]);
    byId.set(id, regions.at(-1)!);
  }
  return regions;
}

/**
 * The same for a record of JSON-MIN, which has the task's data and the values of each control by its name. There is one
 * record for each annotation; `known` holds the tasks of the earlier ones.
 */
function resultsOfMinimal(record: Fields, known: Set<unknown>, tally: Tally): Result[][] | undefined {
  if (record.has('id')) {
    if (known.has(record.raw('id'))) {
      tally.skip('annotation of another annotator');
      return undefined;
    }
    known.add(record.raw('id'));
  }
  if (record.raw('annotation_id') === null) {
    tally.skip('image without annotations');
    return undefined;
  }
  const values = record.keys.flatMap((key) => {
    const list = record.raw(key);
    return Array.isArray(list) && list.every(isObject) ? record.objects(key) : [];
  });
  // Where a control for classes and one for shapes are apart, both have the shape. Other controls, such as text fields
  // for a region, have it too.
  const hasClass = (value: Fields) => value.keys.some((key) => key.endsWith('labels'));
  const shapes = values.filter((value) => hasClass(value) || !value.keys.some((key) => OTHER_VALUES.includes(key)));
  const isApart = shapes.some((value) => value.has('labels'));
  return shapes
    .filter((value) => !isApart || hasClass(value))
    .map((value) => {
      const named = value.keys.flatMap((key) => SHAPE.exec(key.toLowerCase())?.[1] ?? [])[0];
      return [{holder: value, value, kind: named ?? kindOfValue(value), isShape: true}];
    });
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The kind of a shape whose type does not say it. Undefined for values that are no shapes, such as choices. */
function kindOfValue(value: Fields): string | undefined {
  if (value.has('rle')) return 'brush';
  if (value.has('imageDataURL')) return 'bitmask';
  if (value.has('points')) return 'polygon';
  if (value.has('radiusX')) return 'ellipse';
  if (value.has('vertices')) return 'vector';
  if (!value.has('x') || !value.has('y')) return undefined;
  return value.has('height') ? 'rectangle' : 'keypoint';
}

function imageOf(
  {file, page}: {file: string; page: number},
  path: string,
  results: readonly Result[][],
  tally: Tally,
): AnnotatedImage {
  const regions: Region[] = [];
  let size: Size | undefined;
  for (const region of results) {
    const shape = region.find(({isShape}) => isShape) ?? region.find(({kind}) => kind !== undefined);
    if (shape?.kind === undefined) continue;
    const {holder, value, kind} = shape;
    const stated = statedSize(holder, 'original_width', 'original_height');
    if (size !== undefined && stated !== undefined && (stated.width !== size.width || stated.height !== size.height)) {
      throw holder.wrong('original_width', `that of the image, ${size.width} × ${size.height}`);
    }
    size ??= stated;
    if (LEFT_OUT.includes(kind)) {
      tally.skip(kind);
      continue;
    }
    const geometry = geometryOf(value, kind);
    const className = region.map((each) => classOf(each.value)).find((name) => name !== undefined);
    if (geometry.kind === 'box') tally.useBox();
    else tally.use(geometry.kind);
    tally.object(className);
    regions.push({className, where: holder.name, geometry});
  }
  const objects = async () => {
    const found: AnnotatedObject[] = [];
    const actual = size ?? (regions.length === 0 ? undefined : await fullSize(file, {page}));
    for (const {className, where, geometry} of regions) {
      found.push({className, where, parts: [await partOf(geometry, actual!, {where, file: path})]});
    }
    return found;
  };
  return {file, size, sources: [path], objects};
}

/** The first class of a value: `polygonlabels`, or `labels` of a control for classes. */
function classOf(value: Fields): string | undefined {
  for (const key of value.keys) {
    if (!key.endsWith('labels') || !value.has(key)) continue;
    const name = value.list(key)[0];
    if (name === undefined) continue;
    if (typeof name !== 'string') throw value.wrong(key, 'a list of names');
    return name;
  }
  return undefined;
}
