import {readFileSync} from 'node:fs';

/** The cases of test/fixtures/ops/NAME.json, which scripts/fixtures/ops.py writes. */
export function readCases<T>(name: string): T[] {
  const text = readFileSync(new URL(`../fixtures/ops/${name}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as {cases: T[]}).cases;
}

export function decodeBytes(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}

export function decodeFloats(base64: string): Float32Array {
  return new Float32Array(decodeBytes(base64).buffer);
}

export function decodeIntegers(base64: string): Int32Array {
  return new Int32Array(decodeBytes(base64).buffer);
}

/** The formula for data that the fixtures do not store: see scripts/fixtures/ops.py. */
export function pattern(length: number): Float32Array {
  return Float32Array.from({length}, (_, i) => ((i * 7919) % 1009) / 1009);
}

/** The largest difference between two arrays; infinite if their lengths differ or a value is NaN. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}
