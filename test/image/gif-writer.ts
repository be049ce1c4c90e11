/** The GIF to write. `index` gives the palette index of a pixel, in each of `frames`. */
export type GifSpec = {
  width: number;
  height: number;
  bits: 1 | 2 | 3 | 4 | 8;
  index: (x: number, y: number) => number;
  /** Default 1. */
  frames?: number;
  /** Whether each frame has its palette, instead of one for all. */
  local?: boolean;
  transparent?: number;
};

/** Writes a GIF without compression: a clear code comes before the codes would become longer. */
export function writeGif({width, height, bits, index, frames = 1, local = false, transparent}: GifSpec): Buffer {
  const colours = Buffer.from(Array.from({length: 3 << bits}, (_, i) => (i * 89 + 40) % 256));
  const size = [width & 255, width >> 8, height & 255, height >> 8];
  const table = 0x80 | (bits - 1);
  const control = transparent === undefined ? [] : [0x21, 0xf9, 4, 1, 0, 0, transparent, 0];
  const comment = [0x21, 0xfe, 2, 0x2c, 0x2c, 0]; // the label of an image, in a text
  const frame = Buffer.concat([
    Buffer.from([...comment, ...control, 0x2c, 0, 0, 0, 0, ...size, local ? table : 0]),
    local ? colours : Buffer.alloc(0),
    pixels(width, height, Math.max(2, bits), index),
  ]);
  return Buffer.concat([
    Buffer.from('GIF89a'),
    Buffer.from([...size, local ? 0 : table, 0, 0]),
    local ? Buffer.alloc(0) : colours,
    ...Array.from({length: frames}, () => frame),
    Buffer.from([0x3b]),
  ]);
}

function pixels(width: number, height: number, bits: number, index: GifSpec['index']): Buffer {
  const clear = 1 << bits;
  const codes: number[] = [];
  for (let i = 0; i < width * height; i++) {
    if (i % (clear - 2) === 0) codes.push(clear);
    codes.push(index(i % width, Math.floor(i / width)));
  }
  codes.push(clear + 1);
  const packed = Buffer.alloc(Math.ceil((codes.length * (bits + 1)) / 8));
  for (const [i, code] of codes.entries()) {
    for (let bit = 0; bit <= bits; bit++) {
      const at = i * (bits + 1) + bit;
      packed[at >> 3]! |= ((code >> bit) & 1) << (at & 7);
    }
  }
  const blocks: Buffer[] = [];
  for (let at = 0; at < packed.length; at += 255) {
    const block = packed.subarray(at, at + 255);
    blocks.push(Buffer.from([block.length]), block);
  }
  return Buffer.concat([Buffer.from([bits]), ...blocks, Buffer.from([0])]);
}
