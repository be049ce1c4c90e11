/** Pseudo-random numbers within -1..1 that depend only on the seed. */
export function noise(length: number, seed: number): Float32Array {
  return Float32Array.from({length}, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233) % 1);
}

/** `values` with the 8 significant bits of bfloat16, cut off, so that nothing is rounded before products are summed. */
export function inBfloat16(values: Float32Array): Float32Array<ArrayBuffer> {
  return new Float32Array(new Uint32Array(values.slice().buffer).map((bits) => bits & 0xffff0000).buffer);
}
