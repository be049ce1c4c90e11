import type {ParameterInfo, StateTensor} from '../../binding.js';

/**
 * Weights given by formulas. `scripts/fixtures/parity_formula.py` computes the same, bit for bit. Everything is
 * computed from a 32-bit integer hash in double arithmetic with correctly rounded operations only, and rounded to
 * float32 at the end.
 */

/** Factors for tensors whose names end with a suffix. The first match counts. */
export type Gains = readonly (readonly [suffix: string, factor: number])[];

/** FNV-1a, 32 bits. */
export function fnv1a(bytes: string | Uint8Array): number {
  let state = 0x811c9dc5;
  for (const byte of typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes) {
    state = Math.imul(state ^ byte, 0x01000193);
  }
  return state >>> 0;
}

/** The multiplicative hash `lowbias32` of Chris Wellons' hash-prospector, 0..2^32 - 1. */
export function hash(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Random number `index` of `seed`, in [0, 1). */
export const uniform = (seed: number, index: number): number => hash(seed + index) / 2 ** 32;

const product = (values: readonly number[]): number => values.reduce((a, b) => a * b, 1);

/** The interval that a tensor's values are drawn from, depending on its name. */
function span(name: string, shape: readonly number[]): [low: number, high: number] {
  const kind = name.slice(name.lastIndexOf('.') + 1);
  if (kind === 'running_var') return [0.5, 1.5];
  if (kind === 'running_mean') return [-0.1, 0.1];
  if (kind === 'bias') return [-0.05, 0.05];
  if (shape.length === 1) return [0.5, 1.5]; // a norm's weight
  const bound = Math.sqrt(3 / product(shape.slice(1))); // keeps the variance
  return [-bound, bound];
}

/** The values of one tensor in row-major order. */
export function fillValues(name: string, shape: readonly number[], gains: Gains): Float32Array {
  const [low, high] = span(name, shape);
  const factor = gains.find(([suffix]) => name.endsWith(suffix))?.[1] ?? 1;
  const seed = fnv1a(name);
  const values = new Float32Array(product(shape));
  for (let i = 0; i < values.length; i++) values[i] = (low + uniform(seed, i) * (high - low)) * factor;
  return values;
}

/** A complete state dict, in which `biases` replace the values of the formulas. */
export function fillState(
  parameters: readonly ParameterInfo[],
  gains: Gains,
  biases: Readonly<Record<string, readonly number[]>>,
): StateTensor[] {
  return parameters.map(({name, shape, dtype}) => {
    if (dtype === 'int64') return {name, dtype, shape, data: new Uint8Array(8 * product(shape))}; // num_batches_tracked
    const given = biases[name];
    const values = given === undefined ? fillValues(name, shape, gains) : Float32Array.from(given);
    return {name, dtype, shape, data: new Uint8Array(values.buffer)};
  });
}
