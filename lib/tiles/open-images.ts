import type {LargeImage} from '../image/regions/large-image.js';
import type {RegionSource} from '../image/regions/region-source.js';

/** So many images stay open. Each keeps up to 64 MB of decoded blocks. */
const MOST_OPEN = 4;

/** An image that nobody reads for so long is closed, in milliseconds. */
const IDLE = 10_000;

type Open = {source: Promise<RegionSource>; readers: number; idle: NodeJS.Timeout | undefined};

/**
 * Images that are open for reading. Those that were used last stay open, because neighbouring tiles share what is
 * decoded, and a file without parts is decoded whole when it is opened.
 */
export class OpenImages {
  readonly #images: readonly LargeImage[];
  /** By number, the last used ones last. */
  readonly #open = new Map<number, Open>();

  constructor(images: readonly LargeImage[]) {
    this.#images = images;
  }

  /** What `read` makes of image `index`, which is open until then. Throws what opening or reading throws. */
  async use<T>(index: number, read: (source: RegionSource) => Promise<T>): Promise<T> {
    const open = this.#open.get(index) ?? this.#opened(index);
    this.#open.delete(index);
    this.#open.set(index, open);
    clearTimeout(open.idle);
    open.readers++;
    try {
      return await read(await open.source);
    } finally {
      open.readers--;
      this.#afterUse(index, open);
    }
  }

  #opened(index: number): Open {
    const open: Open = {source: this.#images[index]!.open(), readers: 0, idle: undefined};
    // One that cannot be opened is tried again by who reads it next.
    open.source.catch(() => this.#open.delete(index));
    return open;
  }

  #afterUse(index: number, open: Open): void {
    if (open.readers === 0 && this.#open.get(index) === open) {
      open.idle = setTimeout(() => this.#close(index, open), IDLE).unref();
    }
    for (const [other, each] of [...this.#open]) {
      if (this.#open.size <= MOST_OPEN) return;
      if (each.readers === 0) this.#close(other, each);
    }
  }

  #close(index: number, open: Open): void {
    clearTimeout(open.idle);
    this.#open.delete(index);
    // Nobody waits for it, and a file that was only read has nothing to lose.
    open.source.then((source) => source.close()).catch(() => {});
  }
}
