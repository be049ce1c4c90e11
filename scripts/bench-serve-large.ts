/**
 * What large images cost the server: seconds, memory at most and after the answer, and how long the event loop was held
 * at most. Each format of images and of answers is asked for twice; the second time counts. Linux only.
 *
 *   npm run bench:serve-large -- [--weights FILE] [--size 9000x7000] [--threads 2] [--images png,jpeg] [--answers json]
 *
 * Without --weights: ResNet-50 with random weights and 100 objects on each image.
 */
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import type {Sharp} from 'sharp';
import {randomWeights, startServer, waves} from './bench/served.js';

const {values} = parseArgs({
  options: {
    weights: {type: 'string'},
    size: {type: 'string', default: '9000x7000'},
    threads: {type: 'string', default: '2'},
    images: {type: 'string', default: 'jpeg,png,grey,tiff16,bmp'},
    answers: {type: 'string', default: 'json,geojson,csv,overlay,labels'},
    parameters: {type: 'string', default: 'scoreThreshold=0'},
  },
});
const [width, height] = values.size.split('x').map(Number) as [number, number];

/** Kinds of image files. Each takes another way through the reading of images. */
const KINDS: Record<string, (image: Sharp) => Promise<Buffer>> = {
  jpeg: (image) => image.jpeg({quality: 90}).toBuffer(),
  png: (image) => image.png({compressionLevel: 1}).toBuffer(),
  grey: (image) => image.greyscale().png({compressionLevel: 1}).toBuffer(),
  tiff16: (image) => image.toColourspace('rgb16').tiff({compression: 'lzw', predictor: 'horizontal'}).toBuffer(),
  bmp: async (image) => bmp(await image.raw().toBuffer()),
};

const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-serve-large-'));
const megabytes = (bytes: number) => String(Math.round(bytes / 1e6)).padStart(5);
try {
  const weights = values.weights ?? (await randomWeights(folder));
  const flags = ['--threads', values.threads, '--max-megabytes', '500', '--timeout-seconds', '600'];
  await using server = await startServer(weights, flags);
  const memory = async () => (await server.metrics()).get('process_resident_memory_bytes')!;
  const ask = async (body: Buffer, answer: string) => {
    const url = `${server.url}/predict?format=${answer}&${values.parameters}`;
    const response = await fetch(url, {method: 'POST', body: new Uint8Array(body)});
    const {length} = Buffer.from(await response.arrayBuffer());
    if (!response.ok) throw new Error(`${response.status} for ${answer}`);
    return length;
  };
  await ask(await waves(704, 512).jpeg().toBuffer(), 'json');
  console.log(`after an image of 704 × 512 pixels: ${megabytes(await memory())} MB`);
  for (const kind of values.images.split(',')) {
    const body = await KINDS[kind]!(waves(width, height));
    for (const answer of values.answers.split(',')) {
      await ask(body, answer);
      await server.metrics(); // the longest delay counts from here
      await server.peak();
      const began = performance.now();
      const length = await ask(body, answer);
      const seconds = (performance.now() - began) / 1000;
      const delay = 1000 * (await server.metrics()).get('nodejs_eventloop_lag_max_seconds')!;
      const most = await server.peak();
      await new Promise((resolve) => setTimeout(resolve, 3000));
      console.log(
        `${kind.padEnd(6)} ${answer.padEnd(7)} ${megabytes(body.length)} MB in, ${megabytes(length)} MB out, ` +
          `${seconds.toFixed(1).padStart(5)} s, at most ${megabytes(most)} MB, after it ${megabytes(await memory())} MB, ` +
          `event loop held for ${delay.toFixed(0).padStart(4)} ms`,
      );
    }
  }
} finally {
  await rm(folder, {recursive: true, force: true});
}

/** An uncompressed BMP of 24 bits, from the bottom up. */
function bmp(rgb: Buffer): Buffer {
  const stride = Math.ceil((width * 3) / 4) * 4;
  const file = Buffer.alloc(54 + stride * height);
  file.write('BM', 0, 'latin1');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [from, to] = [(y * width + x) * 3, 54 + (height - 1 - y) * stride + x * 3];
      for (let c = 0; c < 3; c++) file[to + c] = rgb[from + 2 - c]!;
    }
  }
  return file;
}
