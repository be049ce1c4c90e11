/** The product left · right by its definition and in double precision, of rows×summed and summed×columns. */
export function naiveProduct(
  left: (row: number, k: number) => number,
  right: (k: number, column: number) => number,
  {rows, summed, columns}: {rows: number; summed: number; columns: number},
): Float64Array {
  return Float64Array.from({length: rows * columns}, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    let sum = 0;
    for (let k = 0; k < summed; k++) sum += left(row, k) * right(k, column);
    return sum;
  });
}
