import {type Binding, loadBinding} from '../../addon/binding.js';
import {MaskRcnnError} from '../../basics/errors.js';
import {checkOptions} from '../../basics/schema.js';
import {mapInTurns, Turn} from '../../basics/turns.js';
import {count, show} from '../../basics/wording.js';
import {type PixelOptions, pixelOptionsOf} from '../../image/pixel-options.js';
import {readImage} from '../../image/read-image.js';
import {type LargeImage, type LevelOptions, largeImage} from '../../image/regions/large-image.js';
import {fullSize} from '../../image/regions/open-regions.js';
import {MOST_MASK_PIXELS} from '../../masks/placed-mask.js';
import {readSized, sizedLargeImage} from '../coco/sizes.js';
import {toInstance} from '../coco/true-object.js';
import type {Dataset, InstanceMask, PlacedObject, Sample, TrueObject} from '../dataset.js';
import {leftOut} from '../left-out.js';
import {checkIndices} from '../subset.js';
import {ANNOTATED_OPTIONS, type AnnotatedOptions, type AnnotatedStats} from './annotated-options.js';
import type {AnnotatedImage, AnnotatedObject, Annotations, Tally} from './annotations.js';
import {checkNames, empty} from './check-annotations.js';
import {decodeParts} from './decode-parts.js';
import {placedParts} from './placed-parts.js';

/** The class of objects whose annotations name none. */
export const DEFAULT_CLASS = 'object';

type Shared = {
  format: string;
  faulty: 'error' | 'skip';
  classes: readonly string[];
  defaultClass: string;
  pixels: PixelOptions;
  tally: Tally;
  /** 'FILE WHERE' of objects that turned out to be faulty, or to lie outside their image. */
  faults: {maskless: Set<string>; outside: Set<string>};
  binding: Binding;
};

type Decoded = {id: number; object: TrueObject; crop?: InstanceMask};

type Labelled = {object: AnnotatedObject; label: number; id: number};

/** Images with the objects that an annotation tool has written. Masks are decoded on request. */
export class AnnotatedImages implements Dataset {
  readonly classes: readonly string[];
  readonly images: readonly AnnotatedImage[];
  readonly #shared: Shared;

  private constructor(shared: Shared, images: readonly AnnotatedImage[]) {
    this.#shared = shared;
    this.images = images;
    this.classes = shared.classes;
  }

  /**
   * @internal
   *
   * `path` is named in errors. Throws INVALID_OPTION for an unknown class, and INVALID_DATASET if there are no images
   * or no objects.
   */
  static async of(
    {images, classes: known, tally}: Annotations,
    {
      format,
      path,
      options,
      defaultClass = DEFAULT_CLASS,
    }: {format: string; path: string; options: AnnotatedOptions; defaultClass?: string},
  ): Promise<AnnotatedImages> {
    checkOptions(options, ANNOTATED_OPTIONS, 'openDataset');
    const {faulty = 'error', classes: names} = options;
    if (images.length === 0) throw empty(path, format, 'images', tally);
    const unnamed = names?.length === 1 ? names[0]! : defaultClass;
    const all = tally.classes.has(undefined) ? [...new Set([...known, unnamed])] : known;
    if (all.length === 0) throw empty(path, format, 'objects', tally);
    if (names !== undefined) checkNames(names, all, path);
    const faults = {maskless: new Set<string>(), outside: new Set<string>()};
    const binding = await loadBinding();
    const classes = [...(names ?? all)];
    const pixels = pixelOptionsOf(options);
    const shared = {format, faulty, classes, defaultClass: unnamed, pixels, tally, faults, binding};
    return new AnnotatedImages(shared, images);
  }

  get length(): number {
    return this.images.length;
  }

  /** How many of the objects have masks. */
  get masks(): 'all' | 'some' | 'none' {
    const {boxes, objects} = this.#shared.tally;
    if (boxes === 0) return 'all';
    return boxes < objects ? 'some' : 'none';
  }

  /** How image files are read. */
  get pixels(): PixelOptions {
    return this.#shared.pixels;
  }

  /** The format, such as 'LabelMe'. */
  get format(): string {
    return this.#shared.format;
  }

  /** Counts of the whole data set, also in a subset, except `images`. */
  get stats(): AnnotatedStats {
    const {tally, faults, defaultClass} = this.#shared;
    const objects = new Map<string, number>();
    for (const [name = defaultClass, number] of tally.classes) objects.set(name, (objects.get(name) ?? 0) + number);
    return {
      images: this.length,
      objects: Object.fromEntries(objects),
      shapes: Object.fromEntries(tally.used),
      skipped: {
        ...Object.fromEntries(tally.skipped),
        ...(faults.maskless.size > 0 && {'with an invalid shape': faults.maskless.size}),
        ...(faults.outside.size > 0 && {'without a pixel in the image': faults.outside.size}),
      },
    };
  }

  /** What was found, as one line: 'LabelMe: 3 images, 17 polygons, 5 classes'. */
  get summary(): string {
    const {format, tally} = this.#shared;
    const shapes = [...tally.used].map(([kind, number]) => count(number, kind));
    return `${format}: ${[count(this.length, 'image'), ...shapes, count(this.classes.length, 'class', 'classes')].join(', ')}`;
  }

  /** What was left out so far, as sentences. Empty if everything is used. */
  get notices(): readonly string[] {
    const {tally, faults} = this.#shared;
    const skipped = [...tally.skipped].map(([reason, number]) => `${number} ${reason}`);
    return [
      ...(skipped.length === 0 ? [] : [`Shapes that make no objects were left out: ${skipped.join(', ')}.`]),
      ...leftOut(faults.outside, 'without a pixel in its image', 'without a pixel in their images'),
      ...leftOut(faults.maskless, 'with an invalid shape', 'with invalid shapes'),
    ];
  }

  /** The size of image `index`, in pixels: as the annotations say, or else read from the file. Throws INVALID_IMAGE. */
  async size(index: number): Promise<{width: number; height: number}> {
    const {file, size} = this.#image(index);
    return size ?? fullSize(file, {page: this.pixels.page ?? 0});
  }

  /** The labels of image `index`, as its annotations tell them. */
  async labels(index: number): Promise<readonly number[]> {
    return (await this.#image(index).objects()).flatMap((object) => this.#labelOf(object) ?? []);
  }

  /** Paths of image `index` and of its annotation files. */
  sources(index: number): readonly string[] {
    const {file, sources} = this.#image(index);
    return [file, ...sources];
  }

  /** The options that decide what objects the annotations make, as JSON. */
  get fingerprint(): string {
    const {format, faulty} = this.#shared;
    return JSON.stringify({format, faulty});
  }

  /**
   * Image `index` with its instances. Leaves out those without a pixel inside the image, which are counted in `stats`.
   * The image is upright by its EXIF orientation, unless only its stored pixels have the size that the annotations
   * state. Throws INVALID_IMAGE if the file is missing, unreadable or of another size. Throws INVALID_MASK for an
   * invalid shape, unless `faulty` is 'skip'.
   */
  async get(index: number): Promise<Sample> {
    const {file, size, sources} = this.#image(index);
    const {pixels} = this;
    const image =
      size === undefined
        ? await readImage(file, pixels)
        : await readSized(file, size, {annotationFile: sources[0] ?? file, pixels});
    const {width, height} = image;
    const decoded = await this.#decode(index, {width, height}, {crops: true});
    const instances = decoded.flatMap(({id, object, crop}) => toInstance(id, object, crop, {width, height}) ?? []);
    return {file, image, instances};
  }

  /** Image `index` for reading rectangles of it. Throws INVALID_OPTION, and INVALID_IMAGE as `get()` does. */
  async largeImage(index: number, level: LevelOptions): Promise<LargeImage> {
    const {file, size, sources} = this.#image(index);
    const {pixels} = this;
    if (size === undefined) return largeImage(file, {...pixels, ...level});
    return sizedLargeImage(file, size, {annotationFile: sources[0] ?? file, pixels, level});
  }

  /** The objects of image `index`, without bitmaps. Throws INVALID_MASK as `get()` does. */
  async objects(index: number, size: {width: number; height: number}): Promise<PlacedObject[]> {
    const image = this.#image(index);
    const labelled = await this.#labelled(image);
    const all = await placedParts(
      labelled.map(({object}) => object.parts),
      size,
      this.#shared.binding,
    );
    const turn = new Turn();
    const objects: PlacedObject[] = [];
    for (const [i, {object, label, id}] of labelled.entries()) {
      if (turn.isOver()) await turn.next();
      const found = this.#usable(image, object, all[i]!);
      if (found === undefined) continue;
      const [left, top, width, height] = found.box;
      const {mask} = found;
      objects.push({label, box: [left, top, left + width, top + height], crowd: false, ...(mask && {mask}), id});
    }
    return objects;
  }

  /** The ground truth of image `index`. Throws INVALID_MASK for an invalid shape, unless `faulty` is 'skip'. */
  async truth(index: number): Promise<TrueObject[]> {
    return (await this.#decode(index, await this.size(index), {crops: false})).map(({object}) => object);
  }

  /**
   * A data set of the images with the indices `which`, or of those for which the function `which` returns true. Throws
   * RangeError for an invalid index.
   */
  subset(which: readonly number[] | ((image: AnnotatedImage, index: number) => boolean)): AnnotatedImages {
    const indices =
      typeof which === 'function'
        ? this.images.flatMap((image, index) => (which(image, index) ? [index] : []))
        : checkIndices(which, this.length);
    return new AnnotatedImages(
      this.#shared,
      indices.map((index) => this.images[index]!),
    );
  }

  #image(index: number): AnnotatedImage {
    const image = this.images[index];
    if (image === undefined) throw new RangeError(`The index must be in 0..${this.length - 1}, got ${show(index)}.`);
    return image;
  }

  async #decode(index: number, size: {width: number; height: number}, {crops}: {crops: boolean}): Promise<Decoded[]> {
    const image = this.#image(index);
    if (size.width * size.height > MOST_MASK_PIXELS) throw tooLarge(image.file, size);
    const labelled = await this.#labelled(image);
    const parts = labelled.map(({object}) => object.parts);
    const all = await decodeParts(parts, size, {binding: this.#shared.binding, crops});
    const objects = await mapInTurns(labelled, ({object, label, id}, i): Decoded[] => {
      const decoded = this.#usable(image, object, all[i]!);
      if (decoded === undefined) return [];
      const found = {label, box: decoded.box, area: decoded.area, crowd: false};
      if (!('counts' in decoded)) return [{id, object: found}];
      const {counts, crop} = decoded;
      return [{id, object: {...found, mask: {size: [size.height, size.width], counts}}, ...(crop && {crop})}];
    });
    return objects.flat();
  }

  async #labelled(image: AnnotatedImage): Promise<Labelled[]> {
    const labelled = await mapInTurns(await image.objects(), (object, i): Labelled[] => {
      const label = this.#labelOf(object);
      return label === undefined ? [] : [{object, label, id: i + 1}];
    });
    return labelled.flat();
  }

  /** What was decoded. Undefined for an object without a pixel in the image, and for a faulty one that is left out. */
  #usable<T extends {area: number}>(image: AnnotatedImage, {where}: AnnotatedObject, decoded: T | RangeError) {
    if (decoded instanceof RangeError) return this.#reject(image, where, decoded);
    if (decoded.area > 0) return decoded;
    this.#shared.faults.outside.add(`${image.file} ${where}`);
    return undefined;
  }

  #labelOf({className}: AnnotatedObject): number | undefined {
    return this.classes.indexOf(className || this.#shared.defaultClass) + 1 || undefined;
  }

  #reject({file, sources}: AnnotatedImage, where: string, cause: RangeError): undefined {
    const {faulty, faults} = this.#shared;
    const source = sources[0] ?? file;
    if (faulty === 'error') {
      const message = `The shape of ${where} must be ${cause.message}, in ${source}.`;
      const hint = "Pass faulty: 'skip' to leave such objects out.";
      throw new MaskRcnnError('INVALID_MASK', message, {file: source, hint, cause});
    }
    faults.maskless.add(`${file} ${where}`);
    return undefined;
  }
}

/** Masks of whole images have run lengths of 31 bits. */
function tooLarge(file: string, {width, height}: {width: number; height: number}): MaskRcnnError {
  const message = `${file} must have at most ${MOST_MASK_PIXELS} pixels for masks of the whole image`;
  return new MaskRcnnError('INVALID_IMAGE', `${message}, got ${width} × ${height}.`, {
    file,
    hint: 'Use its tiles: tiles() makes masks of any image.',
  });
}
