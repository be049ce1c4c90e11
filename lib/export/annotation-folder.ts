import {mkdir, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {allSettled} from '../basics/concurrently.js';
import {removeAbandoned} from '../files/atomic-file.js';
import {writing} from '../files/writing.js';
import {hasMask, type ImageAnnotations, type NumberedImage} from './annotations.js';
import {DocumentStream} from './document-stream.js';
import type {ExportContext, ExportedDocument, ExportFormat} from './format.js';
import {LOSSES, type Loss, Losses, type LossKind} from './losses.js';

/** What was written of a split. */
type Part = {
  images: number;
  objects: number;
  document: ExportedDocument | undefined;
  /** Of the document. Undefined until its first image comes. */
  stream: Promise<DocumentStream> | undefined;
  /** Whether the document has an item already. */
  hasItems: boolean;
  /** Resolves when the images so far are in the document. */
  last: Promise<void>;
};

/** Writes images with their objects to a folder, in one format. Files that are there already are replaced. */
export class AnnotationFolder {
  readonly #root: string;
  readonly #format: ExportFormat;
  readonly #context: ExportContext;
  readonly #parts: ReadonlyMap<string | undefined, Part>;
  readonly #losses = new Losses();

  /** Throws INVALID_OPTION if the format cannot name a class or split. Writes nothing yet. */
  constructor(root: string, format: ExportFormat, context: ExportContext) {
    this.#root = root;
    this.#format = format;
    this.#context = context;
    format.description?.(context);
    const splits = context.splits.length === 0 ? [undefined] : context.splits;
    this.#parts = new Map(
      splits.map((split) => {
        const document = format.document?.(split, context);
        return [split, {images: 0, objects: 0, document, stream: undefined, hasItems: false, last: Promise.resolve()}];
      }),
    );
  }

  /** What was lost so far. */
  get losses(): Loss[] {
    return this.#losses.list();
  }

  /** Counts what was lost of the image `name` itself. */
  lose(name: string, kind: LossKind): void {
    this.#losses.add(name, new Map([[kind, new Map([[0, 1]])]]));
  }

  /**
   * Writes one image. May be called again before it has resolved: images are numbered in the order of the calls, and
   * have this order in a file of several images. Throws INVALID_MASK, WRITE_FAILED.
   */
  async add(image: ImageAnnotations, split?: string): Promise<void> {
    const part = this.#parts.get(split)!;
    const {numbered, lost} = this.#number(image, split, part);
    const {last: before} = part;
    const written = allSettled([this.#writeFiles(numbered), this.#writeItems(numbered, part)]);
    // In the order of the images, so that the first example of a loss does not depend on timing.
    part.last = allSettled([before, written]).then(() => this.#losses.add(image.name, lost));
    part.last.catch(() => {}); // told below
    await part.last;
  }

  /** Writes what covers all images, also if there are none. Throws WRITE_FAILED. */
  async close(): Promise<void> {
    for (const part of this.#parts.values()) {
      await part.last;
      if (part.document === undefined) continue;
      const stream = await this.#open(part, part.document);
      await stream.append(part.document.tail());
      await stream.close();
    }
    for (const {path, content} of this.#format.description?.(this.#context) ?? []) await this.#write(path, content);
  }

  /** Removes files of several images that are not whole. */
  async abort(): Promise<void> {
    for (const {last, stream} of this.#parts.values()) {
      await last.catch(() => {});
      await (await stream?.catch(() => undefined))?.abort();
    }
  }

  /** The image with its number, and the objects that the format can hold. */
  #number(image: ImageAnnotations, split: string | undefined, part: Part) {
    const {holds} = this.#format;
    const lost = new Map<LossKind, Map<number, number>>();
    const lose = (kind: LossKind, object: number, number = 1) => {
      const byObject = lost.get(kind) ?? new Map<number, number>();
      lost.set(kind, byObject.set(object, (byObject.get(object) ?? 0) + number));
    };
    for (const [i, {crowd, score, mask}] of image.objects.entries()) {
      if (crowd && !holds.crowds) {
        lose(LOSSES.crowds, i + 1);
        continue;
      }
      if (mask === undefined && !holds.boxes) {
        lose(LOSSES.boxes, i + 1);
        continue;
      }
      if (!holds.classes && this.#context.classes.length > 1) lose(LOSSES.classes, i + 1);
      if (score !== undefined && !holds.scores) lose(LOSSES.scores, i + 1);
    }
    const kept = holds.crowds ? image.objects : image.objects.filter(({crowd}) => !crowd);
    const objects = kept.filter(hasMask);
    const boxes = holds.boxes ? kept.filter((object) => !hasMask(object)) : [];
    const {images: index, objects: objectsBefore} = part;
    const numbered: NumberedImage = {...image, objects, boxes, split, index, objectsBefore, lose};
    part.images++;
    part.objects += objects.length + boxes.length;
    return {numbered, lost};
  }

  async #writeFiles(image: NumberedImage): Promise<void> {
    for (const {path, content} of (await this.#format.files?.(image, this.#context)) ?? []) {
      await this.#write(path, content);
    }
  }

  async #writeItems(image: NumberedImage, part: Part): Promise<void> {
    const {document, last: before} = part;
    if (document === undefined) return;
    const items = await document.items(image);
    await before;
    const stream = await this.#open(part, document);
    for (const item of items) {
      await stream.append(part.hasItems ? document.between + item : item);
      part.hasItems = true;
    }
  }

  async #open(part: Part, {path, head}: ExportedDocument): Promise<DocumentStream> {
    part.stream ??= this.#pathOf(path).then(async (file) => {
      await removeAbandoned(file);
      const stream = new DocumentStream(file);
      await stream.append(head);
      return stream;
    });
    return part.stream;
  }

  async #write(path: string, content: string | Uint8Array): Promise<void> {
    const file = await this.#pathOf(path);
    await writing(file, () => writeFile(file, content));
  }

  /** The path of a file whose folder is there. */
  async #pathOf(path: string): Promise<string> {
    const file = join(this.#root, path);
    await writing(file, () => mkdir(dirname(file), {recursive: true}));
    return file;
  }
}
