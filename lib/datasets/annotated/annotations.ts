import type {InstanceMask} from '../dataset.js';

/** A closed ring: alternating x and y in pixels. (0, 0) is the outer corner of the image's first pixel. */
export type Ring = readonly number[] | Float64Array;

/**
 * A piece of an object: a polygon, or a bitmap. A pixel belongs to a polygon if it is in an odd number of its rings, by
 * pycocotools' rule, which rounds rings to fifths of a pixel. The only part of an object of which only the box is known
 * is `boxAround`: the box is the smallest upright rectangle around these points.
 */
export type Part = {rings: readonly Ring[]} | {bitmap: InstanceMask} | {boxAround: Ring};

/** An object as an annotation tool wrote it. Its mask is the union of its parts. */
export type AnnotatedObject = {
  /** Undefined or empty if the annotation names no class. */
  className: string | undefined;
  /** Where the object stands in its file, for messages: 'shape 3', 'polygon 7 of image b.png'. */
  where: string;
  parts: readonly Part[];
};

/** An image and where its annotations are. */
export type AnnotatedImage = {
  /** Path of the image. */
  file: string;
  /** The size on which the annotations were made, in pixels. Undefined if they do not say. */
  size?: {width: number; height: number} | undefined;
  /** Paths of the files with its annotations. */
  sources: readonly string[];
  /** Its objects, of all classes. Throws INVALID_DATASET if they cannot be read. */
  objects(): Promise<readonly AnnotatedObject[]>;
};

/** What the reader of a format has found. */
export type Annotations = {
  images: readonly AnnotatedImage[];
  /** All classes that the format declares or that occur, in the order of their labels. */
  classes: readonly string[];
  tally: Tally;
};

/** Counts what a reader uses and what it leaves out, over all images. */
export class Tally {
  /** Numbers of shapes that are used, by kind: polygon, rectangle, mask ... */
  readonly used = new Map<string, number>();
  /** Number of objects of which only the box is known. */
  boxes = 0;
  /** Numbers of shapes that are left out, by reason. */
  readonly skipped = new Map<string, number>();
  /** Numbers of objects by class. Those without a class count as undefined. */
  readonly classes = new Map<string | undefined, number>();

  use(kind: string): void {
    add(this.used, kind);
  }

  useBox(): void {
    this.use('box');
    this.boxes++;
  }

  skip(reason: string): void {
    add(this.skipped, reason);
  }

  get objects(): number {
    return [...this.classes.values()].reduce((sum, number) => sum + number, 0);
  }

  object(className: string | undefined): void {
    add(this.classes, className || undefined);
  }

  /** Adds the counts of another one. */
  add(other: Tally): void {
    for (const name of ['used', 'skipped', 'classes'] as const) {
      const counts = this[name] as Map<string | undefined, number>;
      for (const [key, number] of other[name]) add(counts, key, number);
    }
    this.boxes += other.boxes;
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, number = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + number);
}

/** The classes that occur, in alphabetical order, without the missing one. */
export function occurringClasses({classes}: Tally): string[] {
  const names = [...classes.keys()].filter((name): name is string => name !== undefined);
  return names.sort((a, b) => (a < b ? -1 : 1));
}
