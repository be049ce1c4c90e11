/** An affine map of the plane: (x, y) maps to (m[0]x + m[1]y + m[2], m[3]x + m[4]y + m[5]). */
export type Matrix = readonly [number, number, number, number, number, number];

export const translation = (x: number, y: number): Matrix => [1, 0, x, 0, 1, y];

export const scaling = (x: number, y: number): Matrix => [x, 0, 0, 0, y, 0];

/** Rotates by `angle` degrees, clockwise as seen in an image. */
export function rotation(angle: number): Matrix {
  const [cos, sin] = [Math.cos(radians(angle)), Math.sin(radians(angle))];
  return [cos, -sin, 0, sin, cos, 0];
}

/** Slants columns by `x` degrees and rows by `y` degrees. */
export const shearing = (x: number, y: number): Matrix => [1, Math.tan(radians(x)), 0, Math.tan(radians(y)), 1, 0];

/** Combines several maps into one that applies them in the given order. */
export function chain(...maps: readonly Matrix[]): Matrix {
  return maps.reduce(([a, b, c, d, e, f], [p, q, r, s, t, u]) => [
    p * a + q * d,
    p * b + q * e,
    p * c + q * f + r,
    s * a + t * d,
    s * b + t * e,
    s * c + t * f + u,
  ]);
}

export const determinant = ([a, b, , d, e]: Matrix): number => a * e - b * d;

/** The map that undoes `matrix`, whose determinant must not be 0. */
export function inverse(matrix: Matrix): Matrix {
  const [a, b, c, d, e, f] = matrix;
  const scale = 1 / determinant(matrix);
  return [e * scale, -b * scale, (b * f - c * e) * scale, -d * scale, a * scale, (c * d - a * f) * scale];
}

const radians = (degrees: number) => (degrees * Math.PI) / 180;
