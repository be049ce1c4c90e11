import {polygonsOf} from './outlines.js';

/**
 * One line for each object, in pixels, with the columns that a browser can fill of those that `maskrcnn predict` and
 * `maskrcnn serve` write: centroids are those of the pixels' centres, and a box ends after its last row and column.
 */
export function toCsv(objects, image) {
  const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = objects.map(({name, score, area, centroid, bounds}, i) =>
    [quote(image), i + 1, quote(name), score, area, ...centroid, ...bounds].join(','),
  );
  const boxes = [0, 1, 2, 3].map((side) => `bbox-${side}`);
  return [['image', 'id', 'class', 'score', 'area', 'centroid-0', 'centroid-1', ...boxes].join(','), ...lines, ''].join(
    '\r\n',
  );
}

/** A feature for each object, with y downwards as in QuPath. */
export function toGeoJson(objects) {
  const closed = (ring) => [...ring, ring[0]];
  const features = objects.map(({name, score, rings, color}, i) => {
    const polygons = polygonsOf(rings).map((polygon) => polygon.map(closed));
    return {
      type: 'Feature',
      id: i + 1,
      geometry:
        polygons.length === 1
          ? {type: 'Polygon', coordinates: polygons[0]}
          : {type: 'MultiPolygon', coordinates: polygons},
      properties: {objectType: 'annotation', classification: {name, color}, score},
    };
  });
  return JSON.stringify({type: 'FeatureCollection', features});
}

/** Offers `content` as the file `name`. */
export function offer(name, content, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], {type}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
