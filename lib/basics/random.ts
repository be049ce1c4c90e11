/** State of the generator, four 32-bit words. A checkpoint stores it. */
export type RandomState = [number, number, number, number];

/** 2³² divided by the golden ratio. It keeps `scramble` away from its fixed point 0. */
const GOLDEN_RATIO = 0x9e3779b9;

/**
 * A seeded random number generator with the same results on every machine: xoshiro128** of Blackman and Vigna
 * ("Scrambled Linear Pseudorandom Number Generators", 2021). Each combination of keys (seed, epoch, index) gives a
 * separate stream. So the numbers do not depend on the order of the work.
 */
export class Random {
  readonly #state: Uint32Array;

  constructor(...keys: number[]) {
    this.#state = new Uint32Array(4);
    let mix = 0;
    for (const key of keys) {
      // Mix both halves of a key, so that seeds beyond 32 bits differ.
      for (const half of [key >>> 0, Math.floor(key / 2 ** 32) >>> 0]) mix = scramble((mix + GOLDEN_RATIO) ^ half);
    }
    for (let i = 0; i < 4; i++) {
      mix = (mix + GOLDEN_RATIO) >>> 0;
      this.#state[i] = scramble(mix);
    }
  }

  static fromState(state: Readonly<RandomState>): Random {
    const random = new Random();
    random.#state.set(state);
    return random;
  }

  get state(): RandomState {
    return [...this.#state] as RandomState;
  }

  /** A random number in [0, 1) with 32 random bits. */
  next(): number {
    return this.#word() / 2 ** 32;
  }

  /** A random integer in 0..count-1. All are equally likely, up to 2⁻³². */
  integer(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** True with probability `chance`. */
  chance(chance: number): boolean {
    return this.next() < chance;
  }

  /** The numbers 0..count-1 in random order (Fisher-Yates shuffle). */
  permutation(count: number): number[] {
    const order = Array.from({length: count}, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }

  #word(): number {
    const s = this.#state;
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotate(s[3]!, 11);
    return result;
  }
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** The finalizer of MurmurHash3. Each bit of the input changes about half of the bits of the output. */
function scramble(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
