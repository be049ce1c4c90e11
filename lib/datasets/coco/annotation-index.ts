import {MaskRcnnError} from '../../basics/errors.js';
import {Turn} from '../../basics/turns.js';
import {describeForeignJson} from '../misplaced.js';
import {type Annotation, isBoxAlone, isCrowd, isId, toBox} from './annotation.js';
import type {CocoCategory} from './categories.js';
import {JsonFault, readJsonArrays} from './json-arrays.js';

/** An image of an annotation file. `width` and `height` are in pixels. */
export type CocoImage = {id: number; fileName: string; width: number; height: number};

/** An image as the annotation file describes it. A side that it does not give is undefined. */
export type StatedImage = {id: number; fileName: string; width: number | undefined; height: number | undefined};

/** The content of an annotation file. Of annotations, only their positions in the file are kept. */
export type AnnotationIndex = {
  /** Sorted by id, ascending, as in torchvision's data set. */
  images: StatedImage[];
  /** Sorted by id, ascending. */
  categories: CocoCategory[];
  /** For each image, the positions of its annotations in the order of the file: alternating byte offset and length. */
  places: readonly (readonly number[])[];
  /** For each image, the category ids of its annotations that are no crowds, in the order of the file. */
  categoryIds: readonly (readonly number[])[];
  annotations: number;
  /** Number of those that are only boxes. */
  boxes: number;
  /** Numbers of annotations that were skipped, by reason. Empty if `faulty` is 'error'. */
  skipped: Record<string, number>;
};

/** Columns of numbers, which take less memory than an array of objects. */
type Columns = {imageId: number[]; offset: number[]; length: number[]};

/**
 * Reads an instances file in COCO format once. Keeps only one annotation in memory at a time, and a few numbers for
 * each. Throws INVALID_DATASET, which names the file, for malformed JSON (with the position), a missing list, ids that
 * are missing, duplicate or unknown, images without a file name or with an invalid size, categories without a name, and
 * malformed boxes. With `faulty` 'skip', faulty annotations are left out and counted.
 */
export async function indexAnnotations(file: string, faulty: 'error' | 'skip'): Promise<AnnotationIndex> {
  const builder = new IndexBuilder(file, faulty);
  let found: Set<string>;
  try {
    found = await readJsonArrays(file, ['images', 'annotations', 'categories'], (elements) => {
      for (const {key, value, offset, length} of elements) {
        if (key === 'images') builder.addImage(value as Record<string, unknown>);
        else if (key === 'categories') builder.addCategory(value as Record<string, unknown>);
        else builder.addAnnotation(value as Annotation, offset, length);
      }
    });
  } catch (cause) {
    if (cause instanceof MaskRcnnError) throw cause;
    throw new MaskRcnnError(
      'INVALID_DATASET',
      cause instanceof JsonFault
        ? `${file} must be a JSON file. ${cause.message}.`
        : `${file} must be an annotation file that can be read: ${(cause as Error).message}.`,
      {file, cause},
    );
  }
  for (const key of ['images', 'annotations', 'categories']) {
    if (!found.has(key)) {
      throw new MaskRcnnError('INVALID_DATASET', `${file} must have a list '${key}', got none.`, {
        file,
        hint: await describeForeignJson(file),
      });
    }
  }
  return builder.finish();
}

/** The kind of a fault, for counting, and the error message. */
type Fault = [reason: string, message: string];

class IndexBuilder {
  readonly #file: string;
  readonly #faulty: 'error' | 'skip';
  readonly #images = new Map<number, StatedImage>();
  readonly #categories = new Map<number, CocoCategory>();
  readonly #ids = new Set<number>();
  readonly #columns: Columns = {imageId: [], offset: [], length: []};
  /** The category id of each annotation, to check when all categories are known. */
  readonly #categoryId: number[] = [];
  /** Places of the crowds in the columns. */
  readonly #crowds = new Set<number>();
  readonly #skipped: Record<string, number> = {};
  #boxes = 0;

  constructor(file: string, faulty: 'error' | 'skip') {
    this.#file = file;
    this.#faulty = faulty;
  }

  addImage({id, file_name: fileName, width, height}: Record<string, unknown>): void {
    if (!isId(id)) throw this.#error(`Image ids must be whole numbers, got ${JSON.stringify(id)}`);
    if (this.#images.has(id)) throw this.#error(`Image ids must be unique, got ${id} twice`);
    if (typeof fileName !== 'string' || fileName === '') throw this.#error(`Image ${id} must have a file_name`);
    if (![width, height].every((side) => side === undefined || side === null || (isId(side) && side > 0))) {
      throw this.#error(`Image ${id} must have a width and height above 0, got ${width} × ${height}`);
    }
    const given = (side: unknown) => (side === null ? undefined : (side as number | undefined));
    this.#images.set(id, {id, fileName, width: given(width), height: given(height)});
  }

  addCategory({id, name, supercategory}: Record<string, unknown>): void {
    if (!isId(id)) throw this.#error(`Category ids must be whole numbers, got ${JSON.stringify(id)}`);
    if (this.#categories.has(id)) throw this.#error(`Category ids must be unique, got ${id} twice`);
    if (typeof name !== 'string' || name === '') throw this.#error(`Category ${id} must have a name`);
    const above = typeof supercategory === 'string' ? supercategory : undefined;
    this.#categories.set(id, {id, name, supercategory: above, annotations: 0});
  }

  addAnnotation(annotation: Annotation, offset: number, length: number): void {
    const fault = this.#faultOf(annotation);
    if (fault !== undefined) {
      this.#reject(...fault);
      return;
    }
    this.#ids.add(annotation.id);
    if (isBoxAlone(annotation)) this.#boxes++;
    if (isCrowd(annotation)) this.#crowds.add(this.#categoryId.length);
    this.#columns.imageId.push(annotation.image_id);
    this.#columns.offset.push(offset);
    this.#columns.length.push(length);
    this.#categoryId.push(annotation.category_id);
  }

  #faultOf({id, image_id: imageId, category_id: categoryId, bbox}: Annotation): Fault | undefined {
    if (!isId(id)) return ['without an id', `Annotation ids must be whole numbers, got ${JSON.stringify(id)}`];
    if (this.#ids.has(id)) return ['with the id of another', `Annotation ids must be unique, got ${id} twice`];
    if (!isId(imageId) || !isId(categoryId)) {
      return ['without an image or category', `Annotation ${id} must have an image_id and a category_id`];
    }
    if (bbox !== undefined && toBox(bbox) === undefined) {
      return ['with an invalid box', `Annotation ${id} must have a bbox of four finite numbers`];
    }
    return undefined;
  }

  async finish(): Promise<AnnotationIndex> {
    const byId = <T extends {id: number}>(items: Map<number, T>) => [...items.values()].sort((a, b) => a.id - b.id);
    const images = byId(this.#images);
    const indexOf = new Map(images.map(({id}, index) => [id, index]));
    const {imageId, offset, length} = this.#columns;
    const places: number[][] = images.map(() => []);
    const categoryIds: number[][] = images.map(() => []);
    let annotations = 0;
    const turn = new Turn();
    for (const [i, id] of imageId.entries()) {
      if (i % 1024 === 0 && turn.isOver()) await turn.next(); // a file may have millions of annotations
      const index = indexOf.get(id);
      const category = this.#categories.get(this.#categoryId[i]!);
      const where = `The annotation at byte ${offset[i]}`;
      if (index === undefined) {
        this.#reject('of an unknown image', `${where} must be of an image of the file, got image_id ${id}`);
      } else if (category === undefined) {
        this.#reject(
          'of an unknown category',
          `${where} must refer to a category in the file, got category_id ${this.#categoryId[i]}`,
        );
      } else {
        places[index]!.push(offset[i]!, length[i]!);
        if (!this.#crowds.has(i)) categoryIds[index]!.push(category.id);
        category.annotations++;
        annotations++;
      }
    }
    return {
      images,
      categories: byId(this.#categories),
      places,
      categoryIds,
      annotations,
      boxes: this.#boxes,
      skipped: this.#skipped,
    };
  }

  /** Counts a faulty annotation, or throws if `faulty` is 'error'. */
  #reject(...[reason, message]: Fault): void {
    if (this.#faulty === 'error') throw this.#error(message);
    this.#skipped[reason] = (this.#skipped[reason] ?? 0) + 1;
  }

  #error(message: string): MaskRcnnError {
    return new MaskRcnnError('INVALID_DATASET', `${message}, in ${this.#file}.`, {file: this.#file});
  }
}
