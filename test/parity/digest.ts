import {fnv1a, uniform} from './formula.js';

/**
 * A tensor in a fixture (`scripts/fixtures/parity_stages.py`). It stores all values, or 500 of them at positions
 * derived from the name, as base64 of little-endian float32.
 */
export type Digest = {shape: number[]; norm: number; mean: number; values: string};

const SAMPLES = 500;

function decode(values: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(values, 'base64'));
  return new Float32Array(bytes.buffer);
}

/**
 * The difference of `values` from the reference: the largest of the differences of a sampled value, of the mean (both
 * relative to the largest sampled value) and of the L2 norm (relative to itself). Infinite if the shapes differ.
 */
export function digestError(name: string, shape: readonly number[], values: Float32Array, reference: Digest): number {
  if (shape.join() !== reference.shape.join()) return Number.POSITIVE_INFINITY;
  const expected = decode(reference.values);
  if (values.length === 0) return 0;
  const seed = fnv1a(name);
  const place = (i: number) => (values.length > SAMPLES ? Math.floor(uniform(seed, i) * values.length) : i);

  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), Number.MIN_VALUE);
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(values[place(i)]! - value)), 0);
  let [sum, squares] = [0, 0];
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = Math.abs(sum / values.length - reference.mean);
  return Math.max(worst / largest, mean / largest, relativeError(Math.sqrt(squares), reference.norm));
}

/**
 * value - reference| / |reference|; 0 if the two are equal.
 */
export function relativeError(value: number, reference: number): number {
  return value === reference ? 0 : Math.abs(value - reference) / Math.abs(reference);
}
