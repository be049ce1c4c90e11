import {execFile} from 'node:child_process';
import {existsSync} from 'node:fs';
import {mkdir, mkdtemp, readdir, readlink, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import sharp from 'sharp';
import {loadBinding} from '../../lib/addon/binding.js';
import {instanceIds} from '../../lib/datasets/instance-ids.js';
import {instancesFromIds} from '../../lib/datasets/instances.js';
import {objectsOfBlocks} from '../../lib/datasets/large-mask.js';
import {MaskFolder} from '../../lib/datasets/mask-folder.js';
import {placedInstances} from '../../lib/datasets/placed-instances.js';
import {readMask} from '../../lib/image/read-mask.js';
import type {LabelBlocks} from '../../lib/image/regions/label-blocks.js';
import {openLabelBlocks} from '../../lib/image/regions/open-label-blocks.js';
import {type PngSpec, writePng} from '../image/png-writer.js';
import {writeEmptySlide} from '../image/regions/empty-slide.js';
import {nodeArguments} from '../program.js';

let folder = '';
let temporary = '';
const before = process.env.TMPDIR;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-large-png-test-'));
  temporary = join(folder, 'temporary');
  await mkdir(temporary);
  process.env.TMPDIR = temporary;
});
/** What is in the temporary folder, except for what tsx keeps there when it runs a program. */
const left = async () => (await readdir(temporary)).filter((name) => !name.startsWith('tsx-'));

// After each test, nothing is left: no file, and no deleted one whose room an open handle keeps.
test.afterEach.always(async (t) => {
  t.deepEqual(await left(), []);
  if (!existsSync('/proc/self/fd')) return;
  const handles = (await readdir('/proc/self/fd')).map((fd) => readlink(join('/proc/self/fd', fd)).catch(() => ''));
  t.deepEqual(
    (await Promise.all(handles)).filter((path) => path.startsWith(temporary)),
    [],
  );
});
test.after.always(async () => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  await rm(folder, {recursive: true, force: true});
});

// Blocks of the temporary file are 2048 × 512 pixels.
const [width, height] = [2100, 600];

/** Objects that touch each other, of many shapes, some in several parts, across the borders of blocks. */
function idAt(x: number, y: number): number {
  const wave = Math.floor(30 * Math.sin(x / 90) * Math.cos(y / 70));
  return Math.max(0, Math.floor(x / 210) + 11 * Math.floor(y / 90) + wave);
}
const ids = Uint8Array.from({length: width * height}, (_, i) => idAt(i % width, Math.floor(i / width)));
const id = (x: number, y: number) => ids[y * width + x]!;

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return file;
}

/** The ids of all parts in one piece. */
async function joined(source: LabelBlocks): Promise<Uint32Array> {
  const all = new Uint32Array(source.width * source.height).fill(0xffff_ffff);
  for (const place of await source.places()) {
    const block = await source.read(place);
    const columns = Math.min(block.width, source.width - block.left);
    for (let y = 0; y < block.height && block.top + y < source.height; y++) {
      const row = block.ids.subarray(y * block.width, y * block.width + columns);
      all.set(row, (block.top + y) * source.width + block.left);
    }
  }
  return all;
}

/** Asserts that a mask has the same ids and the same objects in parts as whole. */
async function same(t: ExecutionContext, file: string, settings: {minArea: number; ignoreIds?: number[]}) {
  const binding = await loadBinding();
  const mask = await readMask(file);
  const source = (await openLabelBlocks(file, 0))!;
  try {
    t.true(Buffer.from(Uint32Array.from(mask.ids).buffer).equals(Buffer.from((await joined(source)).buffer)), file);
    const block = await source.read((await source.places())[0]!);
    t.is(block.bits, mask.bits, file);
    t.is(block.source, mask.source, file);
    const found = await objectsOfBlocks(binding, source, {...settings, binary: 'whole'}, file);
    const kept = await instanceIds(mask, {...settings, binary: 'whole'}, file);
    const whole = await instancesFromIds({...mask, ids: kept}, {label: 1, minArea: settings.minArea, file});
    t.deepEqual(found?.objects, await placedInstances(whole.instances, binding), file);
    t.is(found?.dropped, whole.dropped);
  } finally {
    await source.close();
  }
}

const tRNS = (...data: number[]) => [{type: 'tRNS', data: Buffer.from(data)}];
const specs: Record<string, Omit<PngSpec, 'width' | 'height'>> = {
  ...Object.fromEntries(
    ([1, 2, 4, 8] as const).flatMap((bits) => [
      [`grey-${bits}.png`, {bits, value: (x, y) => id(x, y) % (1 << bits)} satisfies Omit<PngSpec, 'width' | 'height'>],
      [`palette-${bits}.png`, {bits, kind: 'palette', value: (x, y) => id(x, y) % (1 << bits)}],
    ]),
  ),
  'grey-16.png': {bits: 16, value: (x, y) => 300 * id(x, y)},
  'transparent-grey-4.png': {bits: 4, value: (x, y) => id(x, y) % 16, chunks: tRNS(0, 3)},
  'transparent-palette.png': {bits: 8, kind: 'palette', value: id, chunks: tRNS(0, 255, 0, 128)},
  'alpha-8.png': {bits: 8, kind: 'greyAlpha', value: (x, y, channel) => (channel === 0 ? id(x, y) : x % 256)},
  'alpha-16.png': {bits: 16, kind: 'greyAlpha', value: (x, y, channel) => (channel === 0 ? 300 * id(x, y) : y)},
  'rgb-8.png': {bits: 8, kind: 'rgb', value: id},
  'rgb-16.png': {bits: 16, kind: 'rgb', value: (x, y) => 300 * id(x, y)},
  'rgba-8.png': {bits: 8, kind: 'rgba', value: (x, y, channel) => (channel < 3 ? id(x, y) : x % 256)},
};
for (const [name, spec] of Object.entries(specs)) {
  test.serial(`objects are those of the whole mask: ${name}`, async (t) => {
    const file = await write(name, writePng({width, height, ...spec}));
    await same(t, file, {minArea: 1});
    await same(t, file, {minArea: 3000, ignoreIds: [3, 900]});
  });
}

/** The chunks of a PNG that are between its header and its end, each with its head and its checksum. */
function chunksOf(png: Buffer): {start: Buffer; chunks: Buffer[]; end: Buffer} {
  const chunks: Buffer[] = [];
  let at = 33;
  while (png.toString('latin1', at + 4, at + 8) !== 'IEND') {
    const next = at + 12 + png.readUInt32BE(at);
    chunks.push(png.subarray(at, next));
    at = next;
  }
  return {start: png.subarray(0, 33), chunks, end: png.subarray(at)};
}

test.serial('pixels in many chunks, with others before and after them, and bytes after the end', async (t) => {
  // Some 10 MB of noise, more than is copied at a time. Most values are 0: objects are few.
  let state = 1;
  const noise = Uint8Array.from({length: 4000 * 3000}, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 20 > 4080 ? 1 + ((state >>> 10) & 3) : 0;
  });
  const raw = {width: 4000, height: 3000, channels: 1} as const;
  const png = await sharp(noise, {raw}).toColourspace('b-w').png({compressionLevel: 0}).toBuffer();
  const {start, chunks, end} = chunksOf(png);
  t.true(chunks.length > 100);
  const text = writePng({
    width: 1,
    height: 1,
    bits: 8,
    value: () => 1,
    chunks: [{type: 'tEXt', data: Buffer.alloc(3e5)}],
  });
  const [other] = chunksOf(text).chunks;
  const bytes = Buffer.concat([start, other!, ...chunks, other!, end, Buffer.from('after the end')]);
  await same(t, await write('chunks.png', bytes), {minArea: 1});
});

test.serial('interlaced PNGs, whose first rows come last, are left to the reader of whole masks', async (t) => {
  const png = writePng({width: 20, height: 20, bits: 8, value: (x) => x, interlaced: true});
  t.is(await openLabelBlocks(await write('interlaced.png', png), 0), undefined);
});

/** The mask with the size of one that cannot be read whole. Its own is that of a block, so that nothing is added. */
function tooLarge(source: LabelBlocks): Parameters<typeof objectsOfBlocks>[1] {
  return {width: 16_384, height: 16_384, places: () => source.places(), read: (place) => source.read(place)};
}

test.serial(
  'what only the whole mask shows is left to its reader, and refused if there are too many pixels',
  async (t) => {
    const binding = await loadBinding();
    const block = {width: 2048, height: 512, bits: 8} as const;
    const files = {
      // All grey but for the last pixel.
      'colours.png': {
        png: writePng({
          ...block,
          kind: 'rgb',
          value: (x, y, channel) => (x === 2047 && y === 511 ? 90 * channel : id(x, y)),
        }),
        message: /colours\.png must have a grey value for each object, got colours and more than 268402689 pixels/,
      },
      'everywhere.png': {
        png: writePng({...block, value: (x, y) => (x + y) % 70}),
        message: /everywhere\.png .* got 69 values at \(0, 0\), whose boxes cover each other many times/,
      },
      'parts.png': {
        png: writePng({...block, value: (x) => (x % 9 === 1 ? 255 : 0)}),
        message: /parts\.png must .*, got 0 and 255 only, and more than 268402689 pixels/,
      },
    };
    for (const [name, {png, message}] of Object.entries(files)) {
      const file = await write(name, png);
      const source = (await openLabelBlocks(file, 0))!;
      try {
        t.is(await objectsOfBlocks(binding, source, {minArea: 1}, file), undefined);
        const refused = objectsOfBlocks(binding, tooLarge(source), {minArea: 1}, file);
        await t.throwsAsync(refused, {code: 'INVALID_MASK', message});
      } finally {
        await source.close();
      }
    }
  },
);

/** How reading a mask in parts fails, and whole. */
async function failures(t: ExecutionContext, file: string) {
  const source = (await openLabelBlocks(file, 0))!;
  const binding = await loadBinding();
  let parts: Error | undefined;
  try {
    parts = await t.throwsAsync(objectsOfBlocks(binding, source, {minArea: 1}, file), {code: 'INVALID_MASK'});
  } finally {
    await source.close();
  }
  return {parts: parts!.message, whole: (await t.throwsAsync(readMask(file), {code: 'INVALID_MASK'}))!.message};
}

test.serial('a damaged file is refused by its name, as by the reader of whole masks', async (t) => {
  const png = writePng({width, height, bits: 8, value: id});
  const palette = writePng({width, height, bits: 8, kind: 'palette', value: id});
  const changed = (bytes: Buffer, at: number) => {
    const copy = Buffer.from(bytes);
    copy[at]! ^= 0xff;
    return copy;
  };
  const {start, chunks, end} = chunksOf(png);
  const [pixels] = chunks;
  const empty = {width, height, bits: 8, value: id, compressed: Buffer.alloc(0)} as const;
  const files = {
    'cut.png': png.subarray(0, png.length >> 1),
    'no-end.png': Buffer.concat([start, ...chunks]),
    'flipped.png': changed(png, png.length >> 1),
    'checksum.png': Buffer.concat([start, changed(pixels!, pixels!.length - 1), end]),
    'few-rows.png': Buffer.concat([start, chunksOf(writePng({width, height: 9, bits: 8, value: id})).chunks[0]!, end]),
    'no-pixels.png': Buffer.concat([start, end]),
    'empty.png': writePng(empty),
    'header.png': changed(palette, 30),
    'bits.png': changed(png, 24),
  };
  for (const [name, bytes] of Object.entries(files)) {
    const {parts, whole} = await failures(t, await write(name, bytes));
    t.true(parts.startsWith(join(folder, name)), parts);
    t.is(parts.replace(/: .*/s, ''), whole.replace(/: .*/s, ''));
    t.deepEqual(await left(), [], name);
  }
  const {parts} = await failures(t, join(folder, 'cut.png'));
  t.regex(parts, /cut\.png is not a readable PNG mask: it is truncated\./);
});

test.serial(
  'a mask for whose temporary file there is no room is read whole, and refused if it is too large',
  async (t) => {
    const binding = await loadBinding();
    const file = await write('room.png', writePng({width, height, bits: 8, value: id}));
    process.env.TMPDIR = join(folder, 'none');
    const [small, large] = [(await openLabelBlocks(file, 0))!, (await openLabelBlocks(file, 0))!];
    try {
      t.is(await objectsOfBlocks(binding, small, {minArea: 1}, file), undefined);
      const huge = {width: 16_384, height: 16_384, places: () => large.places(), read: large.read.bind(large)};
      await t.throwsAsync(objectsOfBlocks(binding, huge, {minArea: 1}, file), {
        code: 'WRITE_FAILED',
        message: /^A temporary copy of .*room\.png needs .* cannot be written to: ENOENT.*\n.*TMPDIR.*tiled TIFF/s,
      });
    } finally {
      process.env.TMPDIR = temporary;
      await Promise.all([small.close(), large.close()]);
    }
  },
);

test.serial('a small file that claims to be vast is refused by its name', async (t) => {
  // The sides alone are what the file says: `writePng()` would make the rows.
  const png = writePng({width: 1, height: 1, bits: 16, value: id, compressed: Buffer.alloc(0)});
  for (const at of [16, 20]) png.writeUInt32BE(1_000_000, at);
  const source = (await openLabelBlocks(await write('vast.png', png), 0))!;
  const message = /vast\.png is not a readable PNG mask: it has too few bytes for 1000000 × 1000000 pixels\./;
  await t.throwsAsync(source.places(), {code: 'INVALID_MASK', message}).finally(() => source.close());
});

test.serial('narrow masks are asked for the room of whole tiles', async (t) => {
  // 20 pixels wide: its tiles have 26 times as many.
  const narrow = {width: 20, height: 2000, bits: 8, value: id, compressed: Buffer.alloc(0)} as const;
  const source = (await openLabelBlocks(await write('narrow.png', writePng(narrow)), 0))!;
  process.env.TMPDIR = join(folder, 'none');
  try {
    await t.throwsAsync(source.places(), {code: 'WRITE_FAILED', message: /narrow\.png needs 1 MB/});
  } finally {
    process.env.TMPDIR = temporary;
    await source.close();
  }
});

test.serial('a mask whose temporary file may not grow is read whole', async (t) => {
  const side = 4100;
  const path = join(folder, 'limited');
  await mkdir(path);
  const isSquare = (x: number, y: number) => x >= 4000 && x < 4010 && y >= 4000 && y < 4010;
  const spec = {width: side, height: side, bits: 8, value: (x: number, y: number) => (isSquare(x, y) ? 7 : 0)} as const;
  await writeFile(join(path, 'a_mask.png'), writePng(spec));
  await writeEmptySlide(join(path, 'a.tif'), side, side);
  // Files of at most 2 MB, where the copy has 21.
  const limited = ['-c', 'trap "" XFSZ; ulimit -f 2000; exec "$@"', 'bash', process.execPath];
  const program = [...nodeArguments('test/datasets/read-large-mask.ts'), path];
  const {stdout} = await promisify(execFile)('bash', [...limited, ...program]);
  const {counts, boxes} = JSON.parse(stdout);
  t.deepEqual([counts, boxes], [[1, 1, 1], [[4000, 4000, 4010, 4010]]]);
});

test.serial('a folder gives the objects of large PNG masks, whatever shows them', async (t) => {
  // More than 4096 × 4096 pixels: two squares, of which the second is in the last tile.
  const side = 4100;
  const create = {width: side, height: side, channels: 3, background: 'black'} as const;
  const square = (background: string) =>
    sharp({create: {width: 6, height: 6, channels: 3, background}})
      .png()
      .toBuffer();
  const drawn = async (first: string, second: string) =>
    sharp({create}).composite([
      {input: await square(first), left: 10, top: 20},
      {input: await square(second), left: 4090, top: 4080},
    ]);
  const white = (await drawn('white', 'white')).toColourspace('b-w');
  const numbered = (await drawn('#010101', '#020202')).toColourspace('b-w');
  const isSquare = (x: number, y: number) =>
    (x >= 10 && x < 16 && y >= 20 && y < 26) || (x >= 4090 && x < 4096 && y >= 4080 && y < 4086);
  const masks = {
    components: await white.clone().png().toBuffer(),
    bit: writePng({width: side, height: side, bits: 1, value: (x, y) => (isSquare(x, y) ? 1 : 0)}),
    colours: await (await drawn('red', 'lime')).png().toBuffer(),
    ids: await numbered.clone().png().toBuffer(),
    interlaced: await numbered.clone().png({progressive: true}).toBuffer(),
  };
  // The image has the size of the mask, and only its header is read.
  const image = await sharp({create}).tiff({compression: 'lzw'}).toBuffer();
  for (const [name, bytes] of Object.entries(masks)) {
    const path = join(folder, name);
    await mkdir(path);
    await writeFile(join(path, 'a.tif'), image);
    await writeFile(join(path, 'a_mask.png'), bytes);
    const data = await MaskFolder.open(path, {classes: ['cell'], binary: 'components'});
    const objects = await data.objects(0, await data.size(0));
    t.deepEqual(
      objects.map(({box}) => box),
      [
        [10, 20, 16, 26],
        [4090, 4080, 4096, 4086],
      ],
      name,
    );
    t.deepEqual(await data.labels(0), [1, 1], name);
    t.is((await data.stats()).colourMasks, name === 'colours' ? 1 : 0);
  }
});

/** Peak memory in MB: Node.js with sharp and libtorch, and some blocks. The mask alone has 560 MB as 16-bit ids. */
const MEMORY = 500;
/** Milliseconds of the processor that may hold the event loop. More than the 10 of a turn: for slow machines. */
const HOLD = 150;

test.serial(
  'a PNG mask that is too large to be decoded is read in little memory, and the event loop runs',
  async (t) => {
    t.timeout(300_000);
    // Bars of the values 1 to 40, which touch each other and cross many blocks, in squares of 100 × 100 pixels.
    const size = {width: 200, height: 140};
    const bars = Array.from({length: 40}, (_, i) => ({value: i + 1, left: 1 + 2 * i, top: 9 + 3 * i}));
    const squares = new Uint8Array(size.width * size.height);
    for (const {value, left, top} of bars) {
      for (let y = top; y < top + 3; y++) squares.fill(value, y * size.width + left, y * size.width + left + 90);
    }
    const path = join(folder, 'large');
    await mkdir(path);
    await sharp(squares, {raw: {...size, channels: 1}})
      .toColourspace('b-w')
      .resize(20_000, 14_000, {kernel: 'nearest'})
      .png({compressionLevel: 9})
      .toFile(join(path, 'a_mask.png'));
    await writeEmptySlide(join(path, 'a.tif'), 20_000, 14_000);
    const program = [...nodeArguments('test/datasets/read-large-mask.ts'), path];
    const {stdout} = await promisify(execFile)(process.execPath, program);
    const {megabytes, held, counts, boxes, areas} = JSON.parse(stdout);
    t.log(`${Math.round(megabytes)} MB, held for ${held} ms`);
    t.deepEqual(counts, [40, 40, 40]);
    t.deepEqual(
      boxes,
      bars.map(({left, top}) => [100 * left, 100 * top, 100 * left + 9000, 100 * top + 300]),
    );
    t.deepEqual(areas, new Array(40).fill(9000 * 300));
    t.true(megabytes < MEMORY, `${megabytes} MB`);
    if (held !== undefined) t.true(held < HOLD, `${held} ms`);
  },
);
