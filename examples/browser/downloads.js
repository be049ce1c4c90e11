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

/**
 * The image in its full size with its objects, as PNG. It is drawn beside the page, which stays responsive. A file is
 * decoded once more there, because copying a large bitmap takes long; but the server may be needed to decode it.
 */
export async function toPng({image, file}, objects) {
  const sources = file === undefined ? [image] : [file, image];
  for (const [i, source] of sources.entries()) {
    const worker = new Worker('png-worker.js', {type: 'module'});
    try {
      return await new Promise((resolve, reject) => {
        worker.addEventListener('message', ({data: {png, problem}}) => {
          if (problem === undefined) resolve(png);
          else reject(new Error(problem));
        });
        worker.addEventListener('error', ({message}) => reject(new Error(message ?? 'The worker has failed.')));
        worker.postMessage({source, objects});
      });
    } catch (error) {
      if (i === sources.length - 1) throw new Error(`The picture cannot be drawn: ${error.message}`);
    } finally {
      worker.terminate();
    }
  }
}

/** Offers `content` as the file `name`. */
export function offer(name, content, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], {type}));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
