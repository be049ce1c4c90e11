/** A value in a cache, or one that was forgotten while somebody used it. */
type Entry<T> = {
  making: Promise<T>;
  /** When it is made. */
  value?: T;
  /** 0 until it is made. */
  bytes: number;
  users: number;
  isForgotten: boolean;
};

/**
 * Values that take long to make, the last used ones up to a number of bytes. A value that is being made is waited for,
 * not made a second time. A value that failed is forgotten.
 */
export class RecentCache<T> {
  readonly #most: number;
  readonly #bytesOf: (value: T) => number;
  readonly #discard: (value: T) => void;
  readonly #entries = new Map<number, Entry<T>>();
  #bytes = 0;

  /**
   * `bytesOf`: how many bytes a value takes, above 0. `discardValue` is told each value that is forgotten, after its
   * last `use()`.
   */
  constructor(most: number, bytesOf: (value: T) => number, discardValue: (value: T) => void = () => {}) {
    this.#most = most;
    this.#bytesOf = bytesOf;
    this.#discard = discardValue;
  }

  /** Whether the value of this number is there, or is being made. */
  has(index: number): boolean {
    return this.#entries.has(index);
  }

  /** The value of this number, which `make` makes if it is not there. For values that are not discarded. */
  get(index: number, make: () => Promise<T>): Promise<T> {
    return this.#find(index, make).making;
  }

  /** What `work` makes of the value of this number, which is not discarded before that. */
  async use<R>(index: number, make: () => Promise<T>, work: (value: T) => Promise<R>): Promise<R> {
    const entry = this.#find(index, make);
    entry.users++;
    try {
      return await work(await entry.making);
    } finally {
      entry.users--;
      this.#discardUnused(entry);
    }
  }

  #find(index: number, make: () => Promise<T>): Entry<T> {
    const known = this.#entries.get(index);
    if (known !== undefined) {
      // The order of a Map is that of insertion: the last used come last.
      this.#entries.delete(index);
      this.#entries.set(index, known);
      return known;
    }
    const entry: Entry<T> = {making: make(), bytes: 0, users: 0, isForgotten: false};
    this.#entries.set(index, entry);
    entry.making.then(
      (value) => {
        entry.value = value;
        entry.bytes = this.#bytesOf(value);
        this.#bytes += entry.bytes;
        this.#shrink();
      },
      () => this.#entries.delete(index),
    );
    return entry;
  }

  #shrink(): void {
    for (const [index, entry] of this.#entries) {
      if (this.#bytes <= this.#most) return;
      if (entry.bytes === 0) continue; // still being made
      this.#entries.delete(index);
      this.#bytes -= entry.bytes;
      entry.isForgotten = true;
      this.#discardUnused(entry);
    }
  }

  #discardUnused({isForgotten, users, value}: Entry<T>): void {
    if (isForgotten && users === 0) this.#discard(value!);
  }
}
