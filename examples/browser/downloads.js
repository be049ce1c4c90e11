import {polygonsOf} from './outlines.js';

/** One line for each object. Coordinates and areas are in pixels. */
export function toCsv(objects) {
  const quote = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = objects.map(({name, score, box, area}, i) =>
    [i + 1, quote(name), score.toFixed(4), ...box.map((side) => side.toFixed(2)), area].join(','),
  );
  return ['id,class,score,x0,y0,x1,y1,area', ...lines, ''].join('\n');
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
