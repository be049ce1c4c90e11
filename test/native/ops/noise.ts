/** Numbers within -1..1 that look like chance, the same for the same seed. */
export function noise(length: number, seed: number): Float32Array {
  return Float32Array.from({length}, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233) % 1);
}
