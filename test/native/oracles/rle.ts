/** Alternating run lengths of 0 and 1, in column-major order of a bitmap that is stored row by row. */
export function naiveRunLengths(bitmap: Uint8Array, width: number, height: number): number[] {
  const lengths = [0];
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const isOne = bitmap[y * width + x] !== 0;
      if (isOne !== (lengths.length % 2 === 0)) lengths.push(0);
      lengths[lengths.length - 1]! += 1;
    }
  }
  return lengths;
}

/** Decodes the run lengths of a COCO counts string as a sequence of base-32 numbers. */
export function naiveUnpack(counts: string): number[] {
  const groups = counts.match(/[P-o]*[0-O]/g) ?? [];
  const lengths: number[] = [];
  for (const group of groups) {
    const digits = [...group].map((character) => (character.charCodeAt(0) - 48) % 32).reverse();
    const value = digits.reduce((sum, digit) => sum * 32 + digit, 0);
    const signed = digits[0]! >= 16 ? value - 32 ** digits.length : value;
    lengths.push(lengths.length > 2 ? signed + lengths.at(-2)! : signed);
  }
  return lengths;
}
