import {join} from 'node:path';
import {loadBinding} from '../../addon/binding.js';
import {MaskRcnnError} from '../../basics/errors.js';
import {checkOptions, required, text} from '../../basics/schema.js';
import {mapInTurns} from '../../basics/turns.js';
import {show} from '../../basics/wording.js';
import {type PixelOptions, pixelOptionsOf} from '../../image/pixel-options.js';
import type {LargeImage, LevelOptions} from '../../image/regions/large-image.js';
import {MOST_MASK_PIXELS} from '../../masks/placed-mask.js';
import type {Dataset, InstanceMask, PlacedObject, Sample, TrueObject} from '../dataset.js';
import {leftOut} from '../left-out.js';
import {checkIndices} from '../subset.js';
import {type Annotation, isBoxAlone, toBox} from './annotation.js';
import {type CocoImage, indexAnnotations} from './annotation-index.js';
import {readAnnotations} from './annotation-reader.js';
import {toClasses} from './categories.js';
import {COCO_OPTIONS, type CocoOptions} from './coco-options.js';
import type {CocoStats, Shared} from './coco-parts.js';
import {findImages} from './image-places.js';
import {decodeSegmentations} from './segmentation.js';
import {completeSizes, readSized, sizedLargeImage} from './sizes.js';
import {insideBox, toInstance, toTrueObject} from './true-object.js';

/** A true object, the id of its annotation, and the bitmap of its bounding box if it was asked for. */
type AnnotatedObject = {id: number; object: TrueObject; crop?: InstanceMask};

/**
 * A data set in COCO format: an instances JSON with polygons, run lengths and crowds, and a folder of images. Only the
 * positions of the annotations are kept in memory; masks are decoded on request. Images are sorted by id, as in
 * torchvision.
 */
export class Coco implements Dataset {
  readonly classes: readonly string[];
  /** The id of each class in results files: that of its category, of several categories the first with annotations. */
  readonly categoryIds: readonly number[];
  readonly #shared: Shared;
  readonly #indices: readonly number[];

  private constructor(shared: Shared, indices: readonly number[]) {
    this.#shared = shared;
    this.#indices = indices;
    this.classes = shared.classes.map(({name}) => name);
    this.categoryIds = shared.classes.map(({id}) => id);
  }

  /**
   * Opens the data set. Reads the annotation file once, and only those images for which it gives no width and height.
   * Throws INVALID_OPTION for an invalid option or a class that the file does not have. Throws INVALID_DATASET for an
   * invalid file, depending on `faulty`. Throws INVALID_IMAGE if the size of an image is not given and cannot be read.
   */
  static async open(file: string, options: CocoOptions = {}): Promise<Coco> {
    checkOptions({file}, {file: required(text)}, 'Coco.open');
    checkOptions(options, COCO_OPTIONS, 'Coco.open');
    const {faulty = 'error', boxes = 'annotations', classes} = options;
    const [binding, index] = await Promise.all([loadBinding(), indexAnnotations(file, faulty)]);
    const {folder, images} = await findImages(index.images, file, options.images);
    const chosen = toClasses(index.categories, classes, file);
    const labels = new Map(chosen.classes.flatMap(({ids}, i) => ids.map((id) => [id, i + 1])));
    const pixels = pixelOptionsOf(options);
    const shared = {
      ...chosen,
      file,
      folder,
      faulty,
      boxes,
      pixels,
      index,
      images: await completeSizes(images, {folder, annotationFile: file, page: pixels.page ?? 0}),
      labels,
      maskless: new Set<number>(),
      outside: new Set<string>(),
      binding,
    };
    return new Coco(
      shared,
      index.images.map((_, i) => i),
    );
  }

  /**
   * What to know about the categories, as sentences: a root that is not a class, categories of the same name. Also what
   * was left out so far. Usually empty. `inspect()` repeats them as warnings.
   */
  get notices(): readonly string[] {
    const {notices, outside, maskless} = this.#shared;
    const invalid = new Set([...maskless].map((id) => `annotation ${id}`));
    return [
      ...notices,
      ...leftOut(outside, 'without an area in its image', 'without an area in their images'),
      ...leftOut(invalid, 'with an invalid segmentation', 'with invalid segmentations'),
    ];
  }

  get length(): number {
    return this.#indices.length;
  }

  /** How image files are read. */
  get pixels(): PixelOptions {
    return this.#shared.pixels;
  }

  /** The images of this data set, in its order. */
  get images(): readonly CocoImage[] {
    return this.#indices.map((index) => this.#shared.images[index]!);
  }

  get stats(): CocoStats {
    const {index, maskless, outside} = this.#shared;
    const counts = this.#indices.map((i) => index.places[i]!.length / 2);
    return {
      images: this.length,
      annotations: counts.reduce((sum, count) => sum + count, 0),
      boxes: index.boxes,
      negatives: counts.filter((count) => count === 0).length,
      skipped: {
        ...index.skipped,
        ...(maskless.size > 0 && {'with an invalid segmentation': maskless.size}),
        ...(outside.size > 0 && {'outside the image': outside.size}),
      },
    };
  }

  /** How many of the annotations of the file have masks. */
  get masks(): 'all' | 'some' | 'none' {
    const {annotations, boxes} = this.#shared.index;
    if (boxes === 0) return 'all';
    return boxes < annotations ? 'some' : 'none';
  }

  imageId(index: number): number {
    return this.#image(index).id;
  }

  /** The label of a category, 1 for the first class. Undefined if the category is not used. */
  labelOf(categoryId: number): number | undefined {
    return this.#shared.labels.get(categoryId);
  }

  async size(index: number): Promise<{width: number; height: number}> {
    const {width, height} = this.#image(index);
    return {width, height};
  }

  /** The labels of image `index`, as the annotation file tells them. Without crowds. */
  async labels(index: number): Promise<readonly number[]> {
    this.#image(index);
    const {labels, index: annotations} = this.#shared;
    return annotations.categoryIds[this.#indices[index]!]!.flatMap((id) => labels.get(id) ?? []);
  }

  /** Paths of image `index` and of the annotation file. */
  sources(index: number): readonly string[] {
    const {file, folder} = this.#shared;
    return [join(folder, this.#image(index).fileName), file];
  }

  /** The options that decide what objects the annotations make, as JSON. */
  get fingerprint(): string {
    const {boxes, faulty} = this.#shared;
    return JSON.stringify({boxes, faulty});
  }

  /**
   * Image `index` with its instances. Leaves out crowds, because they are not single instances to learn from, and also
   * instances whose box or mask has no area inside the image, which are counted in `stats` (both as in torchvision's
   * references). The image is upright by its EXIF orientation, unless only its stored pixels have the size that the
   * annotation file states. Throws INVALID_IMAGE if the file is missing, unreadable or of another size. Throws
   * INVALID_MASK for an invalid segmentation, unless `faulty` is 'skip'.
   */
  async get(index: number): Promise<Sample> {
    const {fileName, ...size} = this.#image(index);
    const file = join(this.#shared.folder, fileName);
    const [image, truth] = await Promise.allSettled([
      readSized(file, size, {annotationFile: this.#shared.file, pixels: this.pixels}),
      this.#objects(index, {crops: true}),
    ]);
    if (image.status === 'rejected') throw image.reason;
    if (truth.status === 'rejected') throw truth.reason;
    const instances = truth.value.flatMap(({id, object, crop}) => {
      if (object.crowd) return [];
      const instance = toInstance(id, object, crop, size);
      if (instance !== undefined) return [instance];
      this.#shared.outside.add(`annotation ${id} of ${file}`);
      return [];
    });
    return {file, image: image.value, instances};
  }

  /** Image `index` for reading rectangles of it. Throws INVALID_OPTION, and INVALID_IMAGE as `get()` does. */
  async largeImage(index: number, level: LevelOptions): Promise<LargeImage> {
    const {fileName, ...size} = this.#image(index);
    const {file: annotationFile, folder} = this.#shared;
    return sizedLargeImage(join(folder, fileName), size, {annotationFile, pixels: this.pixels, level});
  }

  /**
   * The objects of image `index`, without bitmaps, and its crowds. Throws INVALID_MASK as `get()` does, and if the
   * image has more pixels than run lengths can count.
   */
  async objects(index: number): Promise<PlacedObject[]> {
    const {fileName, ...size} = this.#image(index);
    const {binding, file, folder, outside} = this.#shared;
    if (size.width * size.height > MOST_MASK_PIXELS) {
      const message = `${join(folder, fileName)} must have at most ${MOST_MASK_PIXELS} pixels in COCO format`;
      throw new MaskRcnnError('INVALID_MASK', `${message}, got ${size.width} × ${size.height}.`, {file});
    }
    const all = await this.#objects(index, {crops: false});
    const placed = await mapInTurns(all, ({id, object}, i): PlacedObject[] => {
      const {label, crowd, mask: rle} = object;
      const box = insideBox(object.box, size);
      const isEmpty = rle !== undefined && binding.rle.areas([rle.counts], size.width, size.height)[0] === 0;
      if (box !== undefined && !isEmpty) return [{label, box, crowd, ...(rle && {mask: {left: 0, top: 0, rle}}), id}];
      if (!crowd) outside.add(`${this.imageId(index)}/${i}`);
      return [];
    });
    return placed.flat();
  }

  /**
   * The ground truth of image `index`: its annotations of the chosen classes, including crowds, as they are in the
   * file, with boxes as the option `boxes` says. Throws INVALID_MASK for an invalid segmentation, unless `faulty` is
   * 'skip'.
   */
  async truth(index: number): Promise<TrueObject[]> {
    return (await this.#objects(index, {crops: false})).map(({object}) => object);
  }

  /**
   * A data set of the images with the indices `which`, or of those for which the function `which` returns true. Throws
   * RangeError for an invalid index.
   */
  subset(which: readonly number[] | ((image: CocoImage, index: number) => boolean)): Coco {
    const indices =
      typeof which === 'function'
        ? this.images.flatMap((image, index) => (which(image, index) ? [index] : []))
        : checkIndices(which, this.length);
    return new Coco(
      this.#shared,
      indices.map((index) => this.#indices[index]!),
    );
  }

  #image(index: number): CocoImage {
    const image = this.#shared.images[this.#indices[index] ?? -1];
    if (image === undefined) throw new RangeError(`The index must be in 0..${this.length - 1}, got ${show(index)}.`);
    return image;
  }

  async #objects(index: number, {crops}: {crops: boolean}): Promise<AnnotatedObject[]> {
    const {
      file,
      labels,
      boxes,
      binding,
      index: {places},
    } = this.#shared;
    const size = this.#image(index);
    const all = await readAnnotations(file, places[this.#indices[index]!]!);
    const annotations = all.filter((annotation) => labels.has(annotation.category_id));
    const isBox = await mapInTurns(
      annotations,
      (annotation) => isBoxAlone(annotation) && toBox(annotation.bbox) !== undefined,
    );
    const decoded = await decodeSegmentations(
      annotations.filter((_, i) => !isBox[i]).map(({segmentation}) => segmentation),
      size,
      {binding, crops},
    );
    let next = 0;
    const objects = await mapInTurns(annotations, (annotation, i) => {
      const segment = isBox[i] ? undefined : decoded[next++]!;
      if (segment instanceof RangeError) return this.#reject(annotation, segment);
      const object = toTrueObject(annotation, labels.get(annotation.category_id)!, segment, {size, boxes});
      return [{id: annotation.id, object, ...(segment?.crop && {crop: segment.crop})}];
    });
    return objects.flat();
  }

  #reject({id}: Annotation, cause: RangeError): never[] {
    const {file, faulty, maskless} = this.#shared;
    if (faulty === 'error') {
      throw new MaskRcnnError(
        'INVALID_MASK',
        `The segmentation of annotation ${id} must be ${cause.message}, in ${file}.`,
        {file, hint: "Pass faulty: 'skip' to leave such annotations out.", cause},
      );
    }
    maskless.add(id);
    return [];
  }
}
