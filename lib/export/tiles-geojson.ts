import {removeAbandoned, writeAll, writeAtomically} from '../files/atomic-file.js';
import {maskPolygons} from '../masks/outlines.js';
import type {TiledObject} from '../model/tiles/tiled-object.js';
import {END, featureOf, HEAD} from './geojson-feature.js';

/** Characters that are written together. */
const PIECE = 1 << 18;

/**
 * Writes the objects of `predictTiles()` as GeoJSON, one after the other, in pixels of the largest level: QuPath opens
 * it beside the slide. `downsample` is that of the source of the tiles. Objects are detections, whose names are 1, 2,
 * ... in their order. An object that was cut has the measurement `cut`. The file appears when it is whole. Returns the
 * number of objects. Throws WRITE_FAILED, and what `objects` throws.
 */
export async function writeTilesGeoJson(
  path: string,
  objects: AsyncIterable<TiledObject> | Iterable<TiledObject>,
  {downsample = 1}: {downsample?: number} = {},
): Promise<number> {
  await removeAbandoned(path);
  let id = 0;
  await writeAtomically(path, async (file) => {
    let piece = HEAD;
    for await (const {label, className, score, mask, cut} of objects) {
      const {left, top, rle} = mask;
      const separator = id === 0 ? '' : ',\n';
      piece +=
        separator +
        featureOf(await maskPolygons(rle), {label, className, id: ++id, score, cut}, {left, top, downsample});
      if (piece.length < PIECE) continue;
      await writeAll(file, Buffer.from(piece));
      piece = '';
    }
    await writeAll(file, Buffer.from(piece + END));
  });
  return id;
}
