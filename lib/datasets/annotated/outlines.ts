import type {Ring} from './annotations.js';

/** A full turn is approximated by so many edges: at a radius of 1000 pixels they are off by 0.3 pixels at most. */
const EDGES = 128;

/** The ring of a rectangle between two opposite corners, in any order. */
export function rectangleRing(x0: number, y0: number, x1: number, y1: number): Ring {
  return [x0, y0, x1, y0, x1, y1, x0, y1];
}

/** The ring of an ellipse. `angle`: of the first half axis, in radians, clockwise on the screen. */
export function ellipseRing(x: number, y: number, halfAxes: readonly [number, number], angle = 0): Ring {
  const [a, b] = halfAxes;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const ring = new Float64Array(2 * EDGES);
  for (let i = 0; i < EDGES; i++) {
    const turn = (2 * Math.PI * i) / EDGES;
    const [along, across] = [a * Math.cos(turn), b * Math.sin(turn)];
    ring[2 * i] = x + along * cos - across * sin;
    ring[2 * i + 1] = y + along * sin + across * cos;
  }
  return ring;
}

/** The ring turned by `angle` radians around a point, clockwise on the screen. */
export function turnedRing(ring: Ring, x: number, y: number, angle: number): Ring {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const turned = new Float64Array(ring.length);
  for (let i = 0; i + 1 < ring.length; i += 2) {
    const [dx, dy] = [ring[i]! - x, ring[i + 1]! - y];
    turned[i] = x + dx * cos - dy * sin;
    turned[i + 1] = y + dx * sin + dy * cos;
  }
  return turned;
}

/** The box of a ring: x0, y0, x1, y1. */
export function boundsOf(ring: Ring): [number, number, number, number] {
  const bounds: [number, number, number, number] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i + 1 < ring.length; i += 2) {
    bounds[0] = Math.min(bounds[0], ring[i]!);
    bounds[1] = Math.min(bounds[1], ring[i + 1]!);
    bounds[2] = Math.max(bounds[2], ring[i]!);
    bounds[3] = Math.max(bounds[3], ring[i + 1]!);
  }
  return bounds;
}

/** The ring through points [x, y]. */
export function ringOf(points: readonly (readonly [number, number])[]): Ring {
  const ring = new Float64Array(2 * points.length);
  for (const [i, [x, y]] of points.entries()) {
    ring[2 * i] = x;
    ring[2 * i + 1] = y;
  }
  return ring;
}
