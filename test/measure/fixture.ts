import {readJson} from '../read-json.js';

/** A mask as the lengths of its runs, and its measurements by scikit-image. */
export type RegionpropsCase = {
  name: string;
  width: number;
  height: number;
  runs: number[];
  values: Record<string, number>;
};

/** What `scripts/fixtures/measure.py` wrote. */
export function readRegionprops(): RegionpropsCase[] {
  return readJson<{cases: RegionpropsCase[]}>('measure/regionprops.json').cases;
}

/** The image of the cases: three channels, with values by formula. */
export function imageOf(width: number, height: number): Uint8Array {
  const value = (x: number, y: number, channel: number) => (7 * x + 13 * y + 29 * channel + ((x * y) % 11)) % 256;
  return Uint8Array.from({length: width * height * 3}, (_, i) => {
    const pixel = Math.floor(i / 3);
    return value(pixel % width, Math.floor(pixel / width), i % 3);
  });
}
