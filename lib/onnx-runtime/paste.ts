/** A mask's part of an image: probabilities, row by row, of the pixels from (left, top) on. */
export type Pasted = {left: number; top: number; width: number; height: number; values: Float32Array};

/** torchvision roi_heads.py, expand_masks: a border of zeros around each mask. */
const PADDING = 1;

const {fround} = Math;

/**
 * Stretches a mask of side × side probabilities over its box (x0, y0, x1, y1 in pixels), within an image of
 * width × height, as torchvision's paste_masks_in_image does: in float32, with the same order of operations, so that
 * the same pixels reach a threshold.
 */
export function pasteMask(
  mask: Float32Array,
  side: number,
  box: ArrayLike<number>,
  {width, height}: {width: number; height: number},
): Pasted {
  const x = spanOf(box[0]!, box[2]!, side);
  const y = spanOf(box[1]!, box[3]!, side);
  const left = Math.max(x.first, 0);
  const top = Math.max(y.first, 0);
  const columns = Math.max(0, Math.min(x.last + 1, width) - left);
  const rows = Math.max(0, Math.min(y.last + 1, height) - top);
  const across = blends(x, side, left, columns);
  const down = blends(y, side, top, rows);

  // First along x, for each row of the mask; then pairs of rows along y.
  const padded = side + 2 * PADDING;
  const stretched = new Float32Array(padded * columns);
  for (let row = 0; row < side; row++) {
    const to = (row + PADDING) * columns;
    for (let i = 0; i < columns; i++) {
      const low = at(mask, side, row, across.low[i]!);
      const high = at(mask, side, row, across.high[i]!);
      const weight = across.weight[i]!;
      stretched[to + i] = fround(fround(1 - weight) * low) + fround(weight * high);
    }
  }
  const values = new Float32Array(columns * rows);
  for (let j = 0; j < rows; j++) {
    const low = down.low[j]! * columns;
    const high = down.high[j]! * columns;
    const weight = down.weight[j]!;
    const rest = fround(1 - weight);
    for (let i = 0; i < columns; i++) {
      values[j * columns + i] = fround(rest * stretched[low + i]!) + fround(weight * stretched[high + i]!);
    }
  }
  return {left, top, width: columns, height: rows, values};
}

/** A value of a row of the padded mask. */
function at(mask: Float32Array, side: number, row: number, column: number): number {
  const unpadded = column - PADDING;
  return unpadded >= 0 && unpadded < side ? mask[row * side + unpadded]! : 0;
}

/** The whole pixels `first` to `last`, both included, that a padded mask covers along one axis. */
type Span = {first: number; last: number};

function spanOf(low: number, high: number, side: number): Span {
  const scale = fround((side + 2 * PADDING) / side);
  const half = fround(fround(fround(high - low) * 0.5) * scale);
  const center = fround(fround(high + low) * 0.5);
  return {first: Math.trunc(fround(center - half)), last: Math.trunc(fround(center + half))};
}

/** For each of `count` pixels from `begin` on, the two pixels of the padded mask that it lies between. */
function blends({first, last}: Span, side: number, begin: number, count: number) {
  const padded = side + 2 * PADDING;
  const scale = fround(padded / Math.max(last - first + 1, 1));
  const low = new Int32Array(count);
  const high = new Int32Array(count);
  const weight = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const middle = fround(scale * fround(begin + i - first + 0.5));
    const source = Math.max(fround(middle - 0.5), 0);
    low[i] = Math.min(Math.trunc(source), padded - 1);
    high[i] = Math.min(low[i]! + 1, padded - 1);
    weight[i] = Math.min(Math.max(source - low[i]!, 0), 1);
  }
  return {low, high, weight};
}
