import {checkOptions, number} from '../basics/schema.js';
import {MAX_PIXELS} from '../image/format.js';
import type {RegionSource} from '../image/regions/region-source.js';
import {type PlacedMask, rectOf} from '../masks/placed-mask.js';
import {measure} from './measure.js';
import type {ObjectMeasurements} from './measurements.js';

/** An object of `predictTiles()`, as far as it is measured. */
export type MeasurableObject = {className: string; score: number; mask: PlacedMask};

/** Options of `measureTiles()`. */
export type MeasureTilesOptions = {
  /** The length of a pixel's side in µm. Default: what the image file says. */
  micronsPerPixel?: number;
};

/**
 * Measures the objects of `predictTiles()` one by one, each in its own rectangle. Positions are in pixels of the source
 * of the tiles. The numbers are those of `measure()`; intensities are those of the 8-bit RGB that the network sees, and
 * are missing for an object whose rectangle has more than 2^28 pixels. Throws INVALID_OPTION; INVALID_MASK; and
 * INVALID_IMAGE if a region cannot be read.
 */
export async function* measureTiles(
  objects: AsyncIterable<MeasurableObject> | Iterable<MeasurableObject>,
  source: RegionSource,
  options: MeasureTilesOptions = {},
): AsyncGenerator<ObjectMeasurements, void, undefined> {
  checkOptions(options, {micronsPerPixel: number({above: 0})}, 'measureTiles()');
  const micronsPerPixel = options.micronsPerPixel ?? source.micronsPerPixel;
  let id = 0;
  for await (const {className, score, mask} of objects) {
    const rect = rectOf(mask);
    const image = rect.width * rect.height > MAX_PIXELS ? undefined : await source.read(rect);
    const [alone] = await measure(image, [mask.rle], micronsPerPixel === undefined ? {} : {micronsPerPixel});
    const {id: _, ...numbers} = placed(alone!, mask, source, micronsPerPixel);
    yield {id: ++id, class: className, score, ...numbers};
  }
}

/** What was measured in an object's own rectangle, as of the whole image. */
function placed(
  measured: ObjectMeasurements,
  {left, top}: PlacedMask,
  {width, height}: RegionSource,
  micronsPerPixel: number | undefined,
): ObjectMeasurements {
  const whole = {...measured};
  const shifts = {'centroid-0': top, 'centroid-1': left, 'bbox-0': top, 'bbox-1': left, 'bbox-2': top, 'bbox-3': left};
  for (const [name, shift] of Object.entries(shifts)) {
    whole[name as 'bbox-0'] += shift;
    if (micronsPerPixel !== undefined) whole[`${name}_um`] = whole[name as 'bbox-0'] * micronsPerPixel;
  }
  const [firstRow, firstColumn] = [whole['bbox-0'], whole['bbox-1']];
  const isAtBorder = firstRow === 0 || firstColumn === 0 || whole['bbox-2'] === height || whole['bbox-3'] === width;
  return {...whole, touches_border: Number(isAtBorder)};
}
