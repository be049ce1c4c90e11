import type {Ring} from '../annotations.js';
import type {Fields} from '../fields.js';
import {ellipseRing, rectangleRing} from '../outlines.js';

/** A shape of a region. Those without an area have no ring. */
export type Shape = {kind: string; ring: Ring | undefined};

/** The kinds of VIA 3's shapes, by their numbers, and how many numbers each has at least. */
const KINDS = [
  undefined,
  ['point', 0],
  ['rectangle', 4],
  ['circle', 3],
  ['ellipse', 4],
  ['line', 0],
  ['polyline', 0],
  ['polygon', 0],
  ['extreme rectangle', 8],
  ['extreme circle', 6],
] as const;

/**
 * The shape of VIA 1's and 2's `shape_attributes`. VIA's coordinates are those of the mouse on the image, so (0, 0) is
 * the outer corner of the first pixel; its own export to COCO has them unchanged.
 */
export function namedShape(shape: Fields): Shape {
  const kind = shape.text('name');
  const number = (key: string) => shape.number(key);
  switch (kind) {
    case 'point':
    case 'line':
    case 'polyline':
      return {kind, ring: undefined};
    case 'polygon': {
      const [xs, ys] = [shape.numbers('all_points_x'), shape.numbers('all_points_y')];
      if (xs.length !== ys.length) throw shape.wrong('all_points_y', `${xs.length} numbers, as many as all_points_x`);
      const ring = new Float64Array(2 * xs.length);
      for (const [i, x] of xs.entries()) {
        ring[2 * i] = x;
        ring[2 * i + 1] = ys[i]!;
      }
      return {kind, ring};
    }
    case 'rect':
      return outlined('rectangle', ['x', 'y', 'width', 'height'].map(number));
    case 'circle':
      return outlined(kind, ['cx', 'cy', 'r'].map(number));
    case 'ellipse': {
      // VIA 1 and the first versions of VIA 2 cannot turn ellipses.
      const theta = shape.optionalNumber('theta') ?? 0;
      return outlined(kind, [...['cx', 'cy', 'rx', 'ry'].map(number), theta]);
    }
    default:
      throw shape.wrong('name', 'polygon, rect, circle, ellipse, polyline, line or point');
  }
}

/** The shape of VIA 3's `xy`: the number of its kind, then its own numbers. Undefined if there is none. */
export function numberedShape(metadata: Fields): Shape | undefined {
  const [id, ...numbers] = metadata.numbers('xy');
  if (id === undefined) return undefined;
  const [kind, least] = KINDS[id] ?? [];
  if (kind === undefined || least === undefined) throw metadata.wrong('xy', 'a shape of number 1 to 9');
  if (numbers.length < least || (kind === 'polygon' && numbers.length % 2 === 1)) {
    throw metadata.wrong('xy', `the numbers of a ${kind}`);
  }
  return least === 0 && kind !== 'polygon' ? {kind, ring: undefined} : outlined(kind, numbers);
}

function outlined(kind: string, numbers: readonly number[]): Shape {
  const [a, b, c, d, theta] = numbers as [number, number, number, number, number | undefined];
  switch (kind) {
    case 'rectangle':
      return {kind, ring: rectangleRing(a, b, a + c, b + d)};
    case 'circle':
      return {kind, ring: ellipseRing(a, b, [c, c])};
    case 'ellipse':
      return {kind, ring: ellipseRing(a, b, [c, d], theta)};
    case 'extreme rectangle':
      return {kind: 'rectangle', ring: aroundPoints(numbers)};
    case 'extreme circle':
      return {kind: 'circle', ring: throughPoints(numbers)};
    default:
      return {kind, ring: Float64Array.from(numbers)};
  }
}

/** The rectangle that four points bound. */
function aroundPoints(numbers: readonly number[]): Ring {
  const points = numbers.slice(0, 8);
  const [xs, ys] = [points.filter((_, i) => i % 2 === 0), points.filter((_, i) => i % 2 === 1)];
  return rectangleRing(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
}

/** The circle through three points. Its numbers are not finite if they are on one line. */
function throughPoints(numbers: readonly number[]): Ring {
  const [x0, y0, x1, y1, x2, y2] = numbers as [number, number, number, number, number, number];
  const [ax, ay, bx, by] = [x1 - x0, y1 - y0, x2 - x0, y2 - y0];
  const [a, b, double] = [ax * ax + ay * ay, bx * bx + by * by, 2 * (ax * by - ay * bx)];
  const [x, y] = [(by * a - ay * b) / double, (ax * b - bx * a) / double];
  const radius = Math.hypot(x, y);
  return ellipseRing(x0 + x, y0 + y, [radius, radius]);
}
