import {naiveRoiAlign} from './roi-align.js';

export type CroppedMasks = {maskRects: Int32Array; maskData: Uint8Array};
export type ImageSizes = {width: number; height: number; resizedWidth: number; resizedHeight: number};

/** The simple way: full-size masks, resized by nearest neighbour and pooled by the naive ROIAlign. */
export function naiveMaskTargets(
  {maskRects, maskData}: CroppedMasks,
  {width, height, resizedWidth, resizedHeight}: ImageSizes,
  rois: Float32Array,
  matched: Int32Array,
  side: number,
): Float64Array {
  const count = maskRects.length / 4;
  const resized = new Float32Array(count * resizedHeight * resizedWidth);
  const source = (i: number, from: number, to: number) =>
    Math.min(Math.floor(Math.fround(i * Math.fround(from / to))), from - 1);
  let first = 0;
  for (let g = 0; g < count; g++) {
    const [left, top, columns, rows] = maskRects.subarray(4 * g, 4 * g + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    for (let y = 0; y < resizedHeight; y++) {
      for (let x = 0; x < resizedWidth; x++) {
        const [row, column] = [source(y, height, resizedHeight) - top, source(x, width, resizedWidth) - left];
        const isInside = row >= 0 && row < rows && column >= 0 && column < columns;
        if (isInside) resized[(g * resizedHeight + y) * resizedWidth + x] = maskData[first + row * columns + column]!;
      }
    }
    first += columns * rows;
  }
  const withImage = Float32Array.from({length: (rois.length / 4) * 5}, (_, i) =>
    i % 5 === 0 ? matched[i / 5]! : rois[Math.floor(i / 5) * 4 + (i % 5) - 1]!,
  );
  const shape = [count, 1, resizedHeight, resizedWidth] as const;
  return naiveRoiAlign(resized, shape, withImage, {spatialScale: 1, outputSize: side, samplingRatio: 0});
}
