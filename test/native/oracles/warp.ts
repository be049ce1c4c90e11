import type {NativeImage, NativeWarpOptions} from '../../../binding.js';

/** The position in the input of the centre of each pixel of the result. */
export function origins({width, height, matrix: m, grid}: NativeWarpOptions): [number, number][] {
  return Array.from({length: width * height}, (_, i) => {
    const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
    const [dx, dy] = grid ? splineAt(grid, x, y) : [0, 0];
    return [m[0]! * x + m[1]! * y + m[2]! + dx, m[3]! * x + m[4]! * y + m[5]! + dy];
  });
}

/** Sums over all control points, using the closed form of the cubic B-spline. */
function splineAt({columns, rows, spacing, points}: NonNullable<NativeWarpOptions['grid']>, x: number, y: number) {
  const sum: [number, number] = [0, 0];
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const weight = bump(x / spacing - (i - 1)) * bump(y / spacing - (j - 1));
      for (const axis of [0, 1] as const) sum[axis] += weight * points[2 * (j * columns + i) + axis]!;
    }
  }
  return sum;
}

function bump(at: number): number {
  const t = Math.abs(at);
  if (t >= 2) return 0;
  return t >= 1 ? (2 - t) ** 3 / 6 : 2 / 3 - t ** 2 + t ** 3 / 2;
}

/** Maps a position to an axis of `size` pixels that is mirrored repeatedly. */
export function mirrored(pixel: number, size: number): number {
  const rest = ((pixel % (2 * size)) + 2 * size) % (2 * size);
  return rest < size ? rest : 2 * size - 1 - rest;
}

/**
 * Bilinear interpolation between pixel centres in floating point. `fill`, if given, is the value outside of the image.
 */
export function naiveWarp(image: NativeImage, options: NativeWarpOptions): number[] {
  const {fill} = options;
  return origins(options).flatMap(([x, y]) => {
    const isInside = x >= 0 && y >= 0 && x < image.width && y < image.height;
    if (fill && !isInside) return fill;
    // In both cases the border pixels are repeated by half a pixel. Mirroring does this automatically.
    const [left, top] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
    const [across, down] = [x - 0.5 - left, y - 0.5 - top];
    return [0, 1, 2].map((c) => {
      const at = (column: number, row: number) =>
        image.data[(mirrored(row, image.height) * image.width + mirrored(column, image.width)) * 3 + c]!;
      const above = at(left, top) * (1 - across) + at(left + 1, top) * across;
      const below = at(left, top + 1) * (1 - across) + at(left + 1, top + 1) * across;
      return above * (1 - down) + below * down;
    });
  });
}

/** Averages squares of `side` pixels. Size and offset are those of the image. */
export function averaged({data, width, height}: NativeImage, side: number): NativeImage {
  const [columns, rows] = [Math.ceil(width / side), Math.ceil(height / side)];
  const means = Uint8Array.from({length: columns * rows * 3}, (_, i) => {
    const [c, cell] = [i % 3, Math.floor(i / 3)];
    const [column, row] = [cell % columns, Math.floor(cell / columns)];
    let [sum, count] = [0, 0];
    for (let y = row * side; y < Math.min((row + 1) * side, height); y++) {
      for (let x = column * side; x < Math.min((column + 1) * side, width); x++) {
        sum += data[(y * width + x) * 3 + c]!;
        count++;
      }
    }
    return Math.round(sum / count);
  });
  return {data: means, width: columns, height: rows};
}
