/**
 * Measures prediction in tiles: time beside that of single tiles, and peak memory, by the size of the image. With
 * --peer, also of sliced inference around torchvision, on the same files. Prints a table in Markdown:
 *
 *   npm run bench:tiles -- [--side 4096]... [--sparse 5000 --sparse 30000]... [--tile 1024] [--overlap 128]
 *                          [--peer PYTHON [--peer-tuned] [--peer-side 4096]...]
 *                          [--precision float32]... [--backbone resnet50]
 *
 * The network has random weights of a fixed seed, and finds 100 objects in each tile, which is the most that it can:
 * so joining has as much to do as it ever has. --side: images that are full of drawn glands. --sparse: images of which
 * one tile in 50 is drawn and the others are of one colour, and left out. Files are TIFFs with tiles of 256 pixels in
 * JPEG. --peer-tuned adds torchvision in channels-last, with glibc told to keep its memory. Each case is a process of
 * its own, because the peak of a process never falls. PYTHON has torch, torchvision, safetensors and Pillow.
 */
import {execFile} from 'node:child_process';
import {mkdtemp, readdir, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs, promisify} from 'node:util';
import sharp from 'sharp';
import {writeGlandImages} from '../examples/glands/generate.js';
import {maskRcnn} from '../lib/index.js';
import {KEEPS_MEMORY} from './bench/peers.js';
import type {TilesCase, TilesReport} from './bench/tiles-case.js';
import {COMPILED, compileTests} from './compiled-tests.js';

const list = {type: 'string', multiple: true} as const;
const {values} = parseArgs({
  options: {
    side: {...list, default: ['4096']},
    sparse: {...list, default: []},
    peer: {type: 'string'},
    'peer-tuned': {type: 'boolean', default: false},
    'peer-side': {...list, default: ['4096']},
    tile: {type: 'string', default: '1024'},
    overlap: {type: 'string', default: '128'},
    precision: {...list, default: ['float32']},
    backbone: {type: 'string', default: 'resnet50'},
  },
});
const [size, overlap] = [Number(values.tile), Number(values.overlap)];
const run = promisify(execFile);
const script = (name: string) => fileURLToPath(new URL(`bench/${name}`, import.meta.url));
const tiff = {tile: true, tileWidth: 256, tileHeight: 256, compression: 'jpeg', quality: 90, bigtiff: true} as const;

/** Drawn glands all over, or in one place of each 50 tiles. */
async function writeImage(file: string, side: number, {texture, sparse}: {texture: string; sparse: boolean}) {
  const blank = sharp({
    create: {width: side, height: side, channels: 3, background: '#f4f2f5'},
    limitInputPixels: false,
  });
  const step = Math.round(Math.sqrt(50) * (size - overlap));
  const places: {left: number; top: number}[] = [];
  for (let top = 0; top + 600 < side; top += step) {
    for (let left = 0; left + 600 < side; left += step) places.push({left, top});
  }
  const overlays = sparse ? places.map((place) => ({input: texture, ...place})) : [{input: texture, tile: true}];
  await blank.composite(overlays).tiff(tiff).toFile(file);
}

// Compiled, as users run it: tsx takes 70 MB, and its hooks take time.
const root = fileURLToPath(new URL('..', import.meta.url));
await compileTests(root);
const ours = join(root, COMPILED, 'scripts/bench/tiles-ours.js');

const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-tiles-'));
try {
  await writeGlandImages(folder, 'gland', 1, 1);
  const texture = join(folder, (await readdir(folder)).find((name) => !name.includes('anno'))!);
  const weights = join(folder, 'network.safetensors');
  const model = await maskRcnn({backbone: values.backbone as 'resnet50', classes: ['gland'], device: 'cpu', seed: 1});
  await model.save(weights);
  const {options} = model;
  model.dispose();

  console.log('| image | | tiles | timed | blank | objects | time | × single tiles | tiles/s | peak MB |');
  console.log('|---|---|---|---|---|---|---|---|---|---|');
  const images = [
    ...values.side.map((side) => ({side: Number(side), sparse: false})),
    ...values.sparse.map((side) => ({side: Number(side), sparse: true})),
  ];
  for (const {side, sparse} of images) {
    const image = join(folder, `${side}.tif`);
    await writeImage(image, side, {texture, sparse});
    for (const precision of values.precision as TilesCase['precision'][]) {
      const one: TilesCase = {
        image,
        size,
        overlap,
        weights,
        options,
        precision,
        skipBlank: sparse,
        channelsLast: false,
      };
      const name = `${side}²${sparse ? ', sparse' : ''}`;
      print(name, `maskrcnn, ${precision}`, await reportOf(process.execPath, [ours], one));
      if (values.peer === undefined || !values['peer-side'].map(Number).includes(side)) continue;
      const peer = (tuned: boolean) => {
        const env = tuned ? {...process.env, ...KEEPS_MEMORY} : process.env;
        return reportOf(values.peer!, [script('tiles_torchvision.py')], {...one, channelsLast: tuned}, env);
      };
      print(name, `sliced torchvision, ${precision}`, await peer(false));
      if (values['peer-tuned']) print(name, `sliced torchvision tuned, ${precision}`, await peer(true));
    }
    await rm(image);
  }
} finally {
  await rm(folder, {recursive: true});
}

async function reportOf(
  command: string,
  args: readonly string[],
  one: TilesCase,
  env = process.env,
): Promise<TilesReport> {
  const {stdout} = await run(command, [...args, JSON.stringify(one)], {env});
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as TilesReport;
}

function print(
  image: string,
  side: string,
  {tiles, untimed = 0, blank, objects, seconds, plainSeconds, peakMiB}: TilesReport,
): void {
  const computed = tiles - untimed - blank;
  const cells = [
    ...[image, side, tiles, computed, blank, objects, `${seconds.toFixed(1)} s`],
    ...[(seconds / (computed * plainSeconds)).toFixed(3), (computed / seconds).toFixed(2)],
    Math.round((peakMiB * 2 ** 20) / 1e6),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
