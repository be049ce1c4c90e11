import type {RgbImage} from '../rgb-image.js';

/**
 * Decoded blocks, the last used ones up to a number of bytes. A block that is being decoded is waited for, not decoded
 * a second time. A block that failed is forgotten.
 */
export class BlockCache {
  readonly #most: number;
  readonly #blocks = new Map<number, {image: Promise<RgbImage>; bytes: number}>();
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** The block of this number, which `make` decodes if it is not there. */
  get(index: number, make: () => Promise<RgbImage>): Promise<RgbImage> {
    const known = this.#blocks.get(index);
    if (known !== undefined) {
      // The order of a Map is that of insertion: the last used come last.
      this.#blocks.delete(index);
      this.#blocks.set(index, known);
      return known.image;
    }
    const block = {image: make(), bytes: 0};
    this.#blocks.set(index, block);
    block.image.then(
      ({data}) => {
        block.bytes = data.length;
        this.#bytes += data.length;
        this.#shrink();
      },
      () => this.#blocks.delete(index),
    );
    return block.image;
  }

  #shrink(): void {
    for (const [index, {bytes}] of this.#blocks) {
      if (this.#bytes <= this.#most) return;
      if (bytes === 0) continue; // still being decoded
      this.#blocks.delete(index);
      this.#bytes -= bytes;
    }
  }
}
