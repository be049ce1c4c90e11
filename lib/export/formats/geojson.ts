import {Turn} from '../../basics/turns.js';
import {colorOf} from '../../draw/colors.js';
import {maskPolygons} from '../../masks/outlines.js';
import {type NumberedImage, stemOf} from '../annotations.js';
import {croppedObjects} from '../crops.js';
import {type ExportContext, type ExportFormat, inSplit} from '../format.js';
import {pointsOf} from '../rings.js';

/**
 * One collection of features for each image, as QuPath imports it. What people annotated are annotations, and what was
 * detected are detections, of which QuPath handles a million.
 */
export const geojson: ExportFormat = {
  name: 'GeoJSON',
  key: 'geojson',
  writes: 'NAME.geojson for each image',
  holds: {classes: true, unused: false, scores: true, crowds: false, boxes: false},
  imageFolder: (split) => split ?? '',
  async files(image, context) {
    const features = await featuresOf(image, context);
    const content = `{"type": "FeatureCollection", "features": [\n${features.join(',\n')}\n]}\n`;
    return [{path: inSplit(image.split, `${stemOf(image.name)}.geojson`), content}];
  },
};

/** The features, as JSON. */
async function featuresOf(image: NumberedImage, {classes, scored}: ExportContext): Promise<string[]> {
  const features: string[] = [];
  const turn = new Turn();
  for await (const {label, score, mask} of croppedObjects(image)) {
    if (turn.isOver()) await turn.next();
    const polygons = (await maskPolygons(mask)).map(({outer, holes}) => [
      // By RFC 7946, outlines run counterclockwise and holes clockwise, as seen with y upwards.
      closed(outer, /* clockwise */ false),
      ...holes.map((hole) => closed(hole, /* clockwise */ true)),
    ]);
    const geometry =
      polygons.length === 1
        ? {type: 'Polygon', coordinates: polygons[0]}
        : {type: 'MultiPolygon', coordinates: polygons};
    const properties = {
      objectType: scored ? 'detection' : 'annotation',
      classification: {name: classes[label - 1], color: colorOf(label - 1)},
      ...(score !== undefined && {measurements: {score}}),
    };
    features.push(JSON.stringify({type: 'Feature', geometry, properties}));
  }
  return features;
}

/** The points of a ring in one direction, with the first once more at the end. */
function closed(ring: readonly number[], clockwise: boolean): [number, number][] {
  const points = pointsOf(ring);
  let doubleArea = 0;
  for (const [i, [x, y]] of points.entries()) {
    const [nextX, nextY] = points[(i + 1) % points.length]!;
    doubleArea += x * nextY - nextX * y;
  }
  if (doubleArea < 0 !== clockwise) points.reverse();
  return [...points, points[0]!];
}
