import {mkdir, readdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {writeBlobImages} from './blob-images.js';
import {writeTiff} from './image/tiff-writer.js';
import {blobSample} from './tiny.js';

/** Writes `blobs(length)` as `writeBlobImages()` does, but the images as TIFFs of grey in 12 of 16 bits. */
export async function writeDeepBlobs(folder: string, length: number): Promise<void> {
  await mkdir(folder, {recursive: true});
  await writeBlobImages(folder, length);
  for (const name of await readdir(folder)) {
    const [, number] = /^blob_(\d+)\.png$/.exec(name) ?? [];
    if (number === undefined) continue;
    const {data: rgb, width, height} = blobSample(Number(number)).image;
    const data = Uint16Array.from({length: width * height}, (_, i) => rgb[i * 3]! * 16 + (i % 16));
    await writeFile(join(folder, name.replace('.png', '.tif')), writeTiff({width, height, data}));
    await rm(join(folder, name));
  }
}
