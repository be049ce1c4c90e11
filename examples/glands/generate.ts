import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import sharp from 'sharp';
import {layGlands} from './layout.js';
import {seededRandom} from './random.js';
import {photograph} from './slide.js';
import {growTissue} from './tissue.js';

export type GlandImage = {
  width: number;
  height: number;
  /** RGB bytes in row-major order. */
  data: Uint8Array;
  /** The gland of each pixel: 0 for none, else 1, 2, ... */
  ids: Uint8Array;
};

/**
 * Tissue extends beyond the edges of the image, so that the edges cut through glands, as in a microscope's field of
 * view.
 */
const MARGIN = 10;
/** Glands with fewer pixels than this in the image are not marked, as a human annotator would not mark them either. */
const MIN_AREA = 30;

/** Draws an image of stained tissue with glands. The same seed gives the same image. */
export function drawGlandImage(seed: number, width = 160, height = 160): GlandImage {
  const random = seededRandom(seed);
  const layout = layGlands(random, width + 2 * MARGIN, height + 2 * MARGIN, MARGIN + 4);
  const tissue = growTissue(random, layout);
  const pixels = photograph(random, tissue);

  const data = new Uint8Array(width * height * 3);
  const ids = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = (y + MARGIN) * layout.width + MARGIN;
    data.set(pixels.subarray(start * 3, (start + width) * 3), y * width * 3);
    ids.set(layout.ids.subarray(start, start + width), y * width);
  }
  return {width, height, data, ids: renumber(ids)};
}

/** Numbers the ids 1, 2, ... without gaps after removing slivers. */
function renumber(ids: Uint8Array): Uint8Array {
  const areas = new Map<number, number>();
  for (const id of ids) areas.set(id, (areas.get(id) ?? 0) + 1);
  const kept = [...areas.keys()].filter((id) => id !== 0 && areas.get(id)! >= MIN_AREA);
  return ids.map((id) => kept.indexOf(id) + 1);
}

/** Writes `count` images in the layout of the GlaS contest: `PREFIX_1.png` next to `PREFIX_1_anno.png`, and so on. */
export async function writeGlandImages(folder: string, prefix: string, count: number, seed: number): Promise<void> {
  await mkdir(folder, {recursive: true});
  for (let index = 0; index < count; index++) {
    // The seeds are far apart, so that the held-out images share nothing with the training images.
    const {width, height, data, ids} = drawGlandImage(seed * 100_003 + index);
    const name = join(folder, `${prefix}_${index + 1}`);
    await sharp(data, {raw: {width, height, channels: 3}})
      .png()
      .toFile(`${name}.png`);
    // Grey with one channel, in which the values are the numbers of the glands.
    await sharp(ids, {raw: {width, height, channels: 1}})
      .toColourspace('b-w')
      .png()
      .toFile(`${name}_anno.png`);
  }
}
