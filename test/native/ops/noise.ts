/** Pseudo-random numbers within -1..1 that depend only on the seed. */
export function noise(length: number, seed: number): Float32Array {
  return Float32Array.from({length}, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233) % 1);
}
