import {colorOf} from '../draw/colors.js';
import type {MaskPolygon} from '../masks/outlines.js';
import {pointsOf} from './rings.js';

/** What stands before and after the features of a collection, which are separated by ',\n'. */
export const HEAD = '{"type": "FeatureCollection", "features": [\n';
export const END = '\n]}\n';

/** What a feature says of its object. */
export type FeatureObject = {
  /** 1 for the first of the classes. */
  label: number;
  className: string;
  /** The number of a detected object, which is its name in QuPath. Undefined for what people annotated. */
  id?: number | undefined;
  /** 0..1, of a detected object. */
  score?: number | undefined;
  /** Whether a part of the object may be missing. */
  cut?: boolean;
};

/** Where the polygons of an object lie: at (left, top) of pixels that are `downsample` units wide. */
export type FeaturePlace = {left: number; top: number; downsample: number};

const AS_THEY_ARE: FeaturePlace = {left: 0, top: 0, downsample: 1};

/** An object as a feature of GeoJSON, as QuPath imports it, in one line. */
export function featureOf(
  polygons: readonly MaskPolygon[],
  {label, className, id, score, cut = false}: FeatureObject,
  place: FeaturePlace = AS_THEY_ARE,
): string {
  const coordinates = polygons.map(({outer, holes}) => [
    // By RFC 7946, outlines run counterclockwise and holes clockwise, as seen with y upwards.
    closed(outer, /* clockwise */ false, place),
    ...holes.map((hole) => closed(hole, /* clockwise */ true, place)),
  ]);
  const geometry =
    coordinates.length === 1 ? {type: 'Polygon', coordinates: coordinates[0]} : {type: 'MultiPolygon', coordinates};
  const properties = {
    objectType: id === undefined ? 'annotation' : 'detection',
    ...(id !== undefined && {name: String(id)}),
    classification: {name: className, color: colorOf(label - 1)},
    ...(score !== undefined && {measurements: {score, ...(cut && {cut: 1})}}),
  };
  return JSON.stringify({type: 'Feature', geometry, properties});
}

/** The points of a ring in one direction, with the first once more at the end. */
function closed(
  ring: readonly number[],
  clockwise: boolean,
  {left, top, downsample}: FeaturePlace,
): [number, number][] {
  const points = pointsOf(ring).map(([x, y]): [number, number] => [(left + x) * downsample, (top + y) * downsample]);
  let doubleArea = 0;
  for (const [i, [x, y]] of points.entries()) {
    const [nextX, nextY] = points[(i + 1) % points.length]!;
    doubleArea += x * nextY - nextX * y;
  }
  if (doubleArea < 0 !== clockwise) points.reverse();
  return [...points, points[0]!];
}
