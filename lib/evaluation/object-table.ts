import type {NativeObjects} from '../../binding.js';
import type {TrueObject} from '../datasets/dataset.js';
import type {Detections} from '../model/detections.js';

/**
 * Objects of a data set in columns. Each needs about 100 bytes plus its mask, which is stored as run-length encoded
 * text. Rows keep the order in which they are added.
 */
class ObjectTable {
  readonly #images: number[] = [];
  readonly #classes: number[] = [];
  readonly #boxes: number[] = [];
  readonly #ends: number[] = [];
  #masks = Buffer.alloc(1 << 16);
  #end = 0;

  get length(): number {
    return this.#images.length;
  }

  /** box: left, top, width, height; counts: compressed run lengths, '' for none. */
  protected append(image: number, label: number, box: readonly number[], counts: string): void {
    this.#images.push(image);
    this.#classes.push(label - 1);
    this.#boxes.push(...box);
    if (this.#end + counts.length > this.#masks.length) {
      this.#masks = Buffer.concat([this.#masks], 2 * this.#masks.length + counts.length);
    }
    this.#end += this.#masks.write(counts, this.#end, 'latin1');
    this.#ends.push(this.#end);
  }

  protected row(index: number) {
    return {
      image: this.#images[index]!,
      label: this.#classes[index]! + 1,
      box: this.#boxes.slice(4 * index, 4 * index + 4),
      counts: this.#masks.toString('latin1', this.#ends[index - 1] ?? 0, this.#ends[index]!),
    };
  }

  /** The rows of all images but `without`. */
  protected rows(without: ReadonlySet<number>): number[] {
    return [...this.#images.keys()].filter((row) => !without.has(this.#images[row]!));
  }

  protected columns(rows: readonly number[]): NativeObjects {
    const masks = Buffer.alloc(this.#end);
    let end = 0;
    const ends = Float64Array.from(rows, (row) => {
      end += this.#masks.copy(masks, end, this.#ends[row - 1] ?? 0, this.#ends[row]!);
      return end;
    });
    return {
      images: Int32Array.from(rows, (row) => this.#images[row]!),
      classes: Int32Array.from(rows, (row) => this.#classes[row]!),
      boxes: Float64Array.from({length: 4 * rows.length}, (_, i) => this.#boxes[4 * rows[i >> 2]! + (i & 3)]!),
      masks: masks.subarray(0, end),
      ends,
    };
  }
}

export class TrueObjects extends ObjectTable {
  readonly #areas: number[] = [];
  readonly #crowd: number[] = [];

  /** Adds the ground-truth objects of image `image`, counted from 0. */
  add(image: number, objects: readonly TrueObject[]): void {
    for (const {label, box, area, crowd, mask} of objects) {
      this.append(image, label, box, mask?.counts ?? '');
      this.#areas.push(area);
      this.#crowd.push(Number(crowd));
    }
  }

  /** The objects of all images but `without`. */
  toNative(without: ReadonlySet<number> = new Set()): NativeObjects & {areas: Float64Array; crowd: Uint8Array} {
    const rows = this.rows(without);
    return {
      ...this.columns(rows),
      areas: Float64Array.from(rows, (row) => this.#areas[row]!),
      crowd: Uint8Array.from(rows, (row) => this.#crowd[row]!),
    };
  }
}

/** A detection as in a COCO results file. */
export type DetectedObject = {
  label: number;
  /** left, top, width, height in pixels. */
  box: readonly [number, number, number, number];
  score: number;
  /** Compressed run-length encoding of the mask; '' if there is none. */
  counts: string;
};

/** The detections that `predict()` returned for an image. */
export function detectedObjects({boxes, labels, scores, masks}: Detections): DetectedObject[] {
  return Array.from(labels, (label, i) => {
    const [x0, y0, x1, y1] = boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    // The sides are computed in float32, like torchvision's `convert_to_xywh` (references/detection/coco_eval.py).
    const box = [x0, y0, Math.fround(x1 - x0), Math.fround(y1 - y0)] as const;
    return {label, box, score: scores[i]!, counts: masks[i]?.counts ?? ''};
  });
}

export class DetectedObjects extends ObjectTable {
  readonly #scores: number[] = [];

  add(image: number, {label, box, score, counts}: DetectedObject): void {
    this.append(image, label, box, counts);
    this.#scores.push(score);
  }

  /** Adds the detections that `predict()` returned for image `image`. */
  addDetections(image: number, detections: Detections): void {
    for (const object of detectedObjects(detections)) this.add(image, object);
  }

  at(index: number): DetectedObject & {image: number} {
    const row = this.row(index);
    return {...row, box: row.box as [number, number, number, number], score: this.#scores[index]!};
  }

  /** The detections on all images but `without`. */
  toNative(without: ReadonlySet<number> = new Set()): NativeObjects & {scores: Float64Array} {
    const rows = this.rows(without);
    return {...this.columns(rows), scores: Float64Array.from(rows, (row) => this.#scores[row]!)};
  }
}
