import type {RgbImage} from '../../lib/image/read-image.js';

/** A small image in a mosaic: its pixels from (left, top). */
export type Placed = {image: RgbImage; left: number; top: number};

/** Images side by side, in rows of `columns`. */
export function place(images: readonly RgbImage[], columns: number) {
  const rows = Math.ceil(images.length / columns);
  const line = (index: number) => images.slice(index * columns, (index + 1) * columns);
  const heights = Array.from({length: rows}, (_, row) => Math.max(...line(row).map(({height}) => height)));
  const widths = Array.from({length: columns}, (_, column) =>
    Math.max(...images.filter((_, i) => i % columns === column).map(({width}) => width)),
  );
  const starts = (lengths: readonly number[]) =>
    lengths.map((_, i) => lengths.slice(0, i).reduce((sum, length) => sum + length, 0));
  const [lefts, tops] = [starts(widths), starts(heights)];
  const placed = images.map(
    (image, i): Placed => ({image, left: lefts[i % columns]!, top: tops[Math.floor(i / columns)]!}),
  );
  return {placed, width: lefts.at(-1)! + widths.at(-1)!, height: tops.at(-1)! + heights.at(-1)!};
}

/** The mosaic as one image. What no image covers is white. */
export function draw({placed, width, height}: ReturnType<typeof place>): RgbImage {
  const data = new Uint8Array(width * height * 3).fill(255);
  for (const {image, left, top} of placed) {
    for (let y = 0; y < image.height; y++) {
      const row = image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3);
      data.set(row, ((top + y) * width + left) * 3);
    }
  }
  return {data, width, height};
}
