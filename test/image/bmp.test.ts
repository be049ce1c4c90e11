import test from 'ava';
import fc from 'fast-check';
import {decodeBmp} from '../../lib/image/bmp.js';
import {type BmpSpec, writeBmp} from './bmp-writer.js';

// Odd sizes, so that rows end within a byte and need padding.
const width = 7;
const height = 5;

for (const bits of [1, 2, 4, 8] as const) {
  for (const topDown of [false, true]) {
    test(`${bits} bits, ${topDown ? 'top-down' : 'bottom-up'}: indices and palette`, async (t) => {
      const pixel = (x: number, y: number) => (x * 3 + y) % (1 << bits);
      const bmp = await decodeBmp(writeBmp({width, height, bits, pixel, topDown}));
      t.deepEqual([bmp.width, bmp.height], [width, height]);
      t.deepEqual([...bmp.data], grid(pixel));
      t.deepEqual([...bmp.palette!.subarray(-3)], [255, 255, 255]);
    });
  }
}

for (const topDown of [false, true]) {
  test(`24 bits, ${topDown ? 'top-down' : 'bottom-up'}: B, G, R become R, G, B`, async (t) => {
    const pixel = (x: number, y: number) => ((x + 1) << 16) | ((y + 1) << 8) | (x * y);
    const bmp = await decodeBmp(writeBmp({width, height, bits: 24, pixel, topDown}));
    t.is(bmp.palette, undefined);
    t.deepEqual([...bmp.data], grid((x, y) => [x + 1, y + 1, x * y]).flat());
  });
}

test('32 bits: the fourth byte is ignored', async (t) => {
  const bmp = await decodeBmp(
    writeBmp({width: 2, height: 1, bits: 32, pixel: (x) => (x === 0 ? 0x00112233 : 0xffaabbcc)}),
  );
  t.deepEqual([...bmp.data], [0x11, 0x22, 0x33, 0xaa, 0xbb, 0xcc]);
});

test('32 bits with masks, in a short and in a long header', async (t) => {
  for (const header of ['info', 'v5'] as const) {
    const masks: [number, number, number] = [0xff, 0xff00, 0xff0000];
    const bmp = await decodeBmp(writeBmp({width: 1, height: 1, bits: 32, pixel: () => 0x80332211, masks, header}));
    t.deepEqual([...bmp.data], [0x11, 0x22, 0x33], header);
  }
});

test('32 bits with a mask of the highest bits', async (t) => {
  const masks: [number, number, number] = [0xff000000, 0xff0000, 0xff00];
  const bmp = await decodeBmp(writeBmp({width: 1, height: 1, bits: 32, pixel: () => 0x11223344, masks}));
  t.deepEqual([...bmp.data], [0x11, 0x22, 0x33]);
});

test('16 bits: five bits a channel, or masks of 5, 6 and 5', async (t) => {
  const plain = await decodeBmp(writeBmp({width: 1, height: 1, bits: 16, pixel: () => (31 << 10) | (0 << 5) | 16}));
  t.deepEqual([...plain.data], [255, 0, Math.round((16 * 255) / 31)]);
  const masks: [number, number, number] = [0xf800, 0x7e0, 0x1f];
  const masked = await decodeBmp(
    writeBmp({width: 1, height: 1, bits: 16, pixel: () => (31 << 11) | (63 << 5) | 0, masks}),
  );
  t.deepEqual([...masked.data], [255, 255, 0]);
});

test('the header of OS/2 and a palette of two colours', async (t) => {
  const spec = {width: 3, height: 1, pixel: (x: number) => x % 2} as const;
  const core = await decodeBmp(
    writeBmp({
      ...spec,
      bits: 1,
      header: 'core',
      palette: [
        [9, 8, 7],
        [1, 2, 3],
      ],
    }),
  );
  t.deepEqual([...core.palette!], [9, 8, 7, 1, 2, 3]);
  t.deepEqual([...core.data], [0, 1, 0]);
});

test('RLE8: runs, literals with padding, jumps and ends of lines', async (t) => {
  // From the bottom: 2 2 2 | 5 6 7 . | skip 1 right and 1 up, then 9.
  const bytes = [3, 2, 0, 0, 0, 3, 5, 6, 7, 0, 0, 0, 0, 2, 1, 1, 1, 9, 0, 1];
  const bmp = await decodeBmp(writeBmp({width: 4, height: 4, bits: 8, pixel: () => 0, runs: {compression: 1, bytes}}));
  t.deepEqual([...bmp.data], [0, 9, 0, 0, 0, 0, 0, 0, 5, 6, 7, 0, 2, 2, 2, 0]);
});

test('RLE4: two indices a byte', async (t) => {
  const bytes = [5, 0x12, 0, 0, 0, 3, 0x34, 0x50, 0, 1];
  const bmp = await decodeBmp(writeBmp({width: 5, height: 2, bits: 4, pixel: () => 0, runs: {compression: 2, bytes}}));
  t.deepEqual([...bmp.data], [3, 4, 5, 0, 0, 1, 2, 1, 2, 1]);
});

test('what a BMP cannot be is refused with a reason', async (t) => {
  const good = writeBmp({width, height, bits: 24, pixel: () => 1});
  const patched = (at: number, ...values: number[]) => {
    const bytes = good.slice();
    bytes.set(values, at);
    return bytes;
  };
  await t.throwsAsync(decodeBmp(good.subarray(0, -1 - 3)), {
    message: 'it is truncated: 116 of 117 bytes of pixels are there',
  });
  await t.notThrowsAsync(decodeBmp(good.subarray(0, -3)), 'the padding of the last row may be missing');
  await t.throwsAsync(decodeBmp(good.subarray(0, 20)), {message: 'it ends within its header'});
  await t.throwsAsync(decodeBmp(patched(18, 0, 0, 0, 0)), {message: 'its size is 0 × 5'});
  await t.throwsAsync(decodeBmp(patched(18, 0, 0, 0, 0x7f)), {
    message: /is more than 268402689 pixels$/,
  });
  await t.throwsAsync(decodeBmp(patched(28, 13)), {message: 'it has 13 bits a pixel'});
  await t.throwsAsync(decodeBmp(patched(30, 4)), {message: 'its compression 4 with 24 bits a pixel is not supported'});
  await t.throwsAsync(decodeBmp(patched(10, 255, 255)), {message: /its pixels begin at byte 65535, outside the file/});
  await t.throwsAsync(decodeBmp(patched(14, 3)), {message: 'its header size is 3, which no BMP has'});
});

test('damaged files never do worse than throw an Error', async (t) => {
  const specs: BmpSpec[] = ([1, 4, 8, 16, 24, 32] as const).map((bits) => ({width, height, bits, pixel: () => 1}));
  specs.push({
    width: 3,
    height: 2,
    bits: 8,
    pixel: () => 0,
    runs: {compression: 1, bytes: [3, 1, 0, 2, 0, 0, 1, 1, 0, 1]},
  });
  for (const spec of specs) {
    const bytes = writeBmp(spec);
    for (let length = 0; length < bytes.length; length++) await tryDecode(bytes.subarray(0, length));
    await fc.assert(
      fc.asyncProperty(fc.integer({min: 2, max: 60}), fc.integer({min: 0, max: 255}), async (at, value) => {
        const damaged = bytes.slice();
        // Keep the size, because hundreds of megapixels would only make the test slow.
        if (at < 18 || at > 25) damaged[at] = value;
        await tryDecode(damaged);
      }),
    );
  }
  t.pass();

  async function tryDecode(bytes: Uint8Array) {
    try {
      const {data, palette, width, height} = await decodeBmp(bytes);
      t.is(data.length, width * height * (palette === undefined ? 3 : 1));
    } catch (error) {
      if (!(error instanceof Error) || error instanceof RangeError) throw error;
    }
  }
});

function grid<T>(pixel: (x: number, y: number) => T): T[] {
  return Array.from({length: width * height}, (_, i) => pixel(i % width, Math.floor(i / width)));
}
