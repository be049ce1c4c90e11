import {execFile} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import sharp from 'sharp';
import {lend} from '../../lib/image/lent-pixels.js';
import {rleFromRuns} from '../../lib/masks/rle-operations.js';
import type {Detections} from '../../lib/model/detections.js';
import {makeAnswer} from '../../lib/serve/answers.js';
import {onLinux, requireFree} from '../free-loop.js';
import {formulaWeights, started, type Weights} from './started.js';

let weights: Weights;
test.before(async () => {
  weights = await formulaWeights();
});
test.after.always(() => weights.remove());

/** Sends a file from another process, whose event loop is another one. Resolves to the status. */
async function send(url: string, file: string, asForm: boolean): Promise<number> {
  const program = `
    const body = await (await import('node:fs')).openAsBlob(${JSON.stringify(file)});
    const form = new FormData();
    form.append('image', body, 'image');
    const response = await fetch(${JSON.stringify(url)}, {method: 'POST', body: ${asForm ? 'form' : 'body'}});
    await response.arrayBuffer();
    console.log(response.status);`;
  const {stdout} = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  return Number(stdout);
}

onLinux('large bodies and images of many pixels do not hold the event loop', async (t) => {
  t.timeout(300_000);
  const {url} = await started(t, weights.file, {maxMegabytes: 128, maxMegapixels: 128, timeoutSeconds: 300});
  const create = (width: number, height: number) =>
    sharp({create: {width, height, channels: 3, background: '#806040'}});
  // 300 MB of pixels, which go to the network and into the table.
  const png = join(weights.folder, 'large.png');
  await create(10_000, 10_000).png({compressionLevel: 1}).toFile(png);
  // A body of 96 MB, of which the reader of TIFFs has a copy.
  const tiff = join(weights.folder, 'large.tif');
  await writeFile(tiff, await create(8000, 4000).tiff({compression: 'none'}).toBuffer());
  for (const [file, format] of [
    [png, 'json'],
    [png, 'csv'],
    [png, 'labels'],
    [tiff, 'json'],
    [tiff, 'csv'],
  ] as const) {
    const address = `${url}/predict?format=${format}&scoreThreshold=0&maxDetections=5`;
    await requireFree(t, `${file.slice(-3)}, ${format}`, async () => {
      t.is(await send(address, file, /* asForm */ format === 'csv'), 200);
    });
  }
});

onLinux('objects as large as a large image are written and drawn in turns', async (t) => {
  t.timeout(300_000);
  const [width, height] = [7000, 6000];
  const stored = {type: 'uint8', channels: 3, pages: 1} as const;
  const pixels = lend({data: new Uint8Array(width * height * 3), width, height, stored});
  const edge = 10 * height;
  const mask = await rleFromRuns([edge, width * height - 2 * edge, edge], width, height);
  const detections: Detections = {
    ...{width, height, masks: [mask, mask]},
    boxes: Float32Array.of(10, 0, width - 10, height, 10, 0, width - 10, height),
    labels: Int32Array.of(1, 1),
    classNames: ['cell', 'cell'],
    scores: Float32Array.of(0.9, 0.8),
  };
  const upload = {name: 'large.png', bytes: new Uint8Array(0)};
  const found = [{upload, pixels, detections, large: undefined, page: undefined, level: undefined, seconds: 0}];
  for (const format of ['json', 'geojson', 'csv', 'overlay', 'labels'] as const) {
    await requireFree(t, format, () => makeAnswer(format, found, {model: 'cells', classes: ['cell'], options: {}}));
  }
});
