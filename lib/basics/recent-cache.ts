/**
 * Values that take long to make, the last used ones up to a number of bytes. A value that is being made is waited for,
 * not made a second time. A value that failed is forgotten.
 */
export class RecentCache<T> {
  readonly #most: number;
  readonly #bytesOf: (value: T) => number;
  readonly #values = new Map<number, {value: Promise<T>; bytes: number}>();
  #bytes = 0;

  /** `bytesOf`: how many bytes a value takes, above 0. */
  constructor(most: number, bytesOf: (value: T) => number) {
    this.#most = most;
    this.#bytesOf = bytesOf;
  }

  /** Whether the value of this number is there, or is being made. */
  has(index: number): boolean {
    return this.#values.has(index);
  }

  /** The value of this number, which `make` makes if it is not there. */
  get(index: number, make: () => Promise<T>): Promise<T> {
    const known = this.#values.get(index);
    if (known !== undefined) {
      // The order of a Map is that of insertion: the last used come last.
      this.#values.delete(index);
      this.#values.set(index, known);
      return known.value;
    }
    const made = {value: make(), bytes: 0};
    this.#values.set(index, made);
    made.value.then(
      (value) => {
        made.bytes = this.#bytesOf(value);
        this.#bytes += made.bytes;
        this.#shrink();
      },
      () => this.#values.delete(index),
    );
    return made.value;
  }

  #shrink(): void {
    for (const [index, {bytes}] of this.#values) {
      if (this.#bytes <= this.#most) return;
      if (bytes === 0) continue; // still being made
      this.#values.delete(index);
      this.#bytes -= bytes;
    }
  }
}
