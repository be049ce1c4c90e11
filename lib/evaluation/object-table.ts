import type {NativeObjects} from '../../binding.js';
import type {TrueObject} from '../datasets/dataset.js';
import type {Detections} from '../model/predict.js';

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

  protected columns(): NativeObjects {
    return {
      images: Int32Array.from(this.#images),
      classes: Int32Array.from(this.#classes),
      boxes: Float64Array.from(this.#boxes),
      masks: this.#masks.subarray(0, this.#end),
      ends: Float64Array.from(this.#ends),
    };
  }
}

export class TrueObjects extends ObjectTable {
  readonly #areas: number[] = [];
  readonly #crowd: number[] = [];

  /** Adds the ground-truth objects of image `image`, counted from 0. */
  add(image: number, objects: readonly TrueObject[]): void {
    for (const {label, box, area, crowd, mask} of objects) {
      this.append(image, label, box, mask.counts);
      this.#areas.push(area);
      this.#crowd.push(Number(crowd));
    }
  }

  toNative(): NativeObjects & {areas: Float64Array; crowd: Uint8Array} {
    return {...this.columns(), areas: Float64Array.from(this.#areas), crowd: Uint8Array.from(this.#crowd)};
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

export class DetectedObjects extends ObjectTable {
  readonly #scores: number[] = [];

  add(image: number, {label, box, score, counts}: DetectedObject): void {
    this.append(image, label, box, counts);
    this.#scores.push(score);
  }

  /** Adds the detections that `predict()` returned for image `image`. */
  addDetections(image: number, {boxes, labels, scores, masks}: Detections): void {
    for (const [i, label] of labels.entries()) {
      const [x0, y0, x1, y1] = boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
      // The sides are computed in float32, like torchvision's `convert_to_xywh` (references/detection/coco_eval.py).
      const box = [x0, y0, Math.fround(x1 - x0), Math.fround(y1 - y0)] as const;
      this.add(image, {label, box, score: scores[i]!, counts: masks[i]!.counts});
    }
  }

  at(index: number): DetectedObject & {image: number} {
    const row = this.row(index);
    return {...row, box: row.box as [number, number, number, number], score: this.#scores[index]!};
  }

  toNative(): NativeObjects & {scores: Float64Array} {
    return {...this.columns(), scores: Float64Array.from(this.#scores)};
  }
}
