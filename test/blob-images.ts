import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {encode} from 'fast-png';
import sharp from 'sharp';
import {hasMask} from '../lib/datasets/dataset.js';
import {blobSample} from './tiny.js';

/** Writes `blobs(length)` as a folder of images and masks: blob_0.png and blob_0_mask.png, ... */
export async function writeBlobImages(folder: string, length: number): Promise<void> {
  await mkdir(folder, {recursive: true});
  for (let index = 0; index < length; index++) {
    const {image, instances} = blobSample(index);
    const {width, height} = image;
    const ids = new Uint8Array(width * height);
    for (const [i, {mask}] of instances.filter(hasMask).entries()) {
      for (const [at, on] of mask.data.entries()) {
        const [x, y] = [mask.left + (at % mask.width), mask.top + Math.floor(at / mask.width)];
        if (on === 1) ids[y * width + x] = i + 1;
      }
    }
    await sharp(image.data, {raw: {width, height, channels: 3}}).toFile(join(folder, `blob_${index}.png`));
    await writeFile(join(folder, `blob_${index}_mask.png`), encode({width, height, data: ids, channels: 1, depth: 8}));
  }
}
