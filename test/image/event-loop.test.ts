import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Readable} from 'node:stream';
import {createDeflate} from 'node:zlib';
import test from 'ava';
import sharp from 'sharp';
import {MaskFolder} from '../../lib/datasets/mask-folder.js';
import {readImage} from '../../lib/image/read-image.js';
import {readMask} from '../../lib/image/read-mask.js';
import {TAG} from '../../lib/image/tiff.js';
import {filledSegment} from '../../lib/image/tiff-fill.js';
import {held} from '../held.js';
import {writeBmp} from './bmp-writer.js';
import {writePng} from './png-writer.js';
import {writeTiff} from './tiff-writer.js';

/** Milliseconds that the event loop may be held. Much more than the 10 of a turn, because tests share the processor. */
const HOLD = 500;
/** Memory in MB that reading a tiny image may take. */
const MEMORY = 200;
const UNPACKED = 400e6;

let folder = '';
let zeros = Buffer.alloc(0);
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-loop-'));
  zeros = await deflatedZeros(UNPACKED);
  await sharp(Buffer.alloc(3), {raw: {width: 1, height: 1, channels: 3}})
    .png()
    .toBuffer(); // loads libvips
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

/** The longest time that the event loop was held during `work`, in milliseconds, and the memory it took in MB. */
async function cost(work: () => Promise<unknown>): Promise<{hold: number; memory: number}> {
  const before = process.resourceUsage().maxRSS;
  const hold = await held(work);
  return {hold, memory: (process.resourceUsage().maxRSS - before) / 1000};
}

async function deflatedZeros(length: number): Promise<Buffer<ArrayBuffer>> {
  const part = Buffer.alloc(1e6);
  const parts = Readable.from(Array.from({length: length / part.length}, () => part));
  const chunks: Buffer[] = [];
  for await (const chunk of parts.pipe(createDeflate())) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test.serial('a small file that unpacks to much holds neither the event loop nor the memory', async (t) => {
  const value = (x: number) => x + 1;
  const size = {width: 2, height: 1, bits: 8, value} as const;
  const text = (name: string) => Buffer.concat([Buffer.from(name, 'latin1'), zeros]);
  const bombs = {
    pixels: writePng({...size, compressed: zeros}),
    iCCP: writePng({...size, chunks: [{type: 'iCCP', data: text('x\0\0')}]}),
    zTXt: writePng({...size, chunks: [{type: 'zTXt', data: text('x\0\0')}]}),
    iTXt: writePng({...size, chunks: [{type: 'iTXt', data: text('XML:com.adobe.xmp\0\x01\0\0\0')}]}),
  };
  for (const [name, bytes] of Object.entries(bombs)) {
    const path = join(folder, `${name}.png`);
    await writeFile(path, bytes);
    const ids = name === 'pixels' ? [0, 0] : [1, 2];
    for (const read of [
      async () => t.deepEqual([...(await readMask(path)).ids], ids, name),
      async () =>
        t.deepEqual(
          [...(await readImage(path)).data],
          ids.flatMap((id) => [id, id, id]),
          name,
        ),
    ]) {
      const {hold, memory} = await cost(read);
      t.true(hold < HOLD, `${name}: ${hold} ms`);
      t.true(memory < MEMORY, `${name}: ${memory} MB`);
    }
  }
});

test.serial('large masks and images leave the event loop free', async (t) => {
  const [width, height] = [4000, 4000];
  const spots = (x: number, y: number) => (x % 40 < 30 && y % 40 < 30 ? 1 : 0);
  const masks = {
    'bitmap.png': writePng({width, height, bits: 1, value: spots}),
    'label.bmp': writeBmp({width, height, bits: 8, pixel: spots}),
  };
  const image = await sharp({create: {width, height, channels: 3, background: 'black'}})
    .png({compressionLevel: 1})
    .toBuffer();
  for (const [name, bytes] of Object.entries(masks)) {
    const data = join(folder, name);
    await mkdir(data);
    await writeFile(join(data, 'a.png'), image);
    await writeFile(join(data, `a_mask${name.slice(-4)}`), bytes);
    const opened = await MaskFolder.open(data, {classes: ['spot'], binary: 'components'});
    const {hold} = await cost(async () => t.is((await opened.get(0)).instances.length, 10_000, name));
    t.true(hold < HOLD, `${name}: ${hold} ms`);
  }
});

test.serial('the percentiles of a large image leave the event loop free', async (t) => {
  const [width, height] = [4000, 4000];
  for (const data of [new Uint16Array(width * height), new Float32Array(width * height)]) {
    for (let i = 0; i < data.length; i++) data[i] = i % 4096;
    const tiff = writeTiff({width, height, data});
    const {hold} = await cost(async () => t.is((await readImage(tiff, {range: 'percentile'})).data[3 * 4095], 255));
    t.true(hold < HOLD, `${data.constructor.name}: ${hold} ms`);
  }
});

test.serial('a large block that a TIFF leaves out does not hold the event loop, whatever is done to it', async (t) => {
  const kinds = {
    'bits turned': [[TAG.fillOrder, 2]],
    Zstandard: [[TAG.compression, 50_000]],
    'differences of numbers': [
      [TAG.compression, 50_000],
      [TAG.predictor, 2],
    ],
    'differences of floating-point numbers': [
      [TAG.compression, 50_000],
      [TAG.predictor, 3],
    ],
  } as const;
  for (const [name, more] of Object.entries(kinds)) {
    const tags = new Map([[TAG.width, 16_384], [TAG.height, 16_384], [TAG.bits, 8], ...more].map(([a, b]) => [a, [b]]));
    const {hold} = await cost(() => filledSegment({tags, nodata: '3', isLittle: true}));
    t.true(hold < HOLD, `${name}: ${hold} ms`);
  }
});
