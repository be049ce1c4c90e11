import {crc32, deflateSync} from 'node:zlib';

/** The PNG to write. `value` gives a channel of a pixel: `bits` bits, or a palette index. */
export type PngSpec = {
  width: number;
  height: number;
  bits: 1 | 2 | 4 | 8 | 16;
  /** Default 'grey'. */
  kind?: 'grey' | 'rgb' | 'palette' | 'greyAlpha' | 'rgba';
  value: (x: number, y: number, channel: number) => number;
  /** Whether to write the seven passes of Adam7. */
  interlaced?: boolean;
  /** Chunks to put before the pixels, such as tRNS. */
  chunks?: {type: string; data: Uint8Array}[];
  /** Compressed data to write in place of the pixels. */
  compressed?: Uint8Array;
};

const KINDS = {grey: [0, 1], rgb: [2, 3], palette: [3, 1], greyAlpha: [4, 2], rgba: [6, 4]} as const;

/** First column, first row, and steps of the passes (PNG specification, third edition, section 8.2). */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

export function writePng(spec: PngSpec): Buffer {
  const {width, height, bits, kind = 'grey', interlaced = false, chunks = [], compressed} = spec;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, KINDS[kind][0], 0, 0, interlaced ? 1 : 0], 8);
  const passes = interlaced ? PASSES : [[0, 0, 1, 1] as const];
  const pixels = compressed ?? deflateSync(Buffer.concat(passes.flatMap((pass) => passRows(spec, pass))));
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    ...(kind === 'palette' ? [chunk('PLTE', colours(1 << bits))] : []),
    ...chunks.map(({type, data}) => chunk(type, data)),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function passRows(spec: PngSpec, [x0, y0, dx, dy]: (typeof PASSES)[number] | readonly [0, 0, 1, 1]): Buffer[] {
  const {width, height, bits, kind = 'grey', value} = spec;
  const channels = KINDS[kind][1];
  const columns = Math.ceil((width - x0) / dx);
  if (columns < 1) return [];
  const rows: Buffer[] = [];
  for (let y = y0; y < height; y += dy) {
    const row = Buffer.alloc(1 + Math.ceil((columns * channels * bits) / 8));
    for (let i = 0; i < columns * channels; i++) {
      const sample = value(x0 + Math.floor(i / channels) * dx, y, i % channels);
      if (bits === 16) row.writeUInt16BE(sample, 1 + i * 2);
      else row[1 + Math.floor((i * bits) / 8)]! |= sample << (8 - bits - ((i * bits) % 8));
    }
    rows.push(row);
  }
  return rows;
}

/** Colours of which none is that of its index. */
function colours(count: number): Buffer {
  return Buffer.from(Array.from({length: count * 3}, (_, i) => (i * 89 + 40) % 256));
}

function chunk(type: string, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(data, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length);
  return bytes;
}
