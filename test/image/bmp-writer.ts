/**
 * The image to write. `pixel` gives the index (up to 8 bits) or the little-endian value (16, 24 and 32 bits) at x, y.
 */
export type BmpSpec = {
  width: number;
  height: number;
  bits: 1 | 2 | 4 | 8 | 16 | 24 | 32;
  pixel: (x: number, y: number) => number;
  topDown?: boolean;
  /** Colours as [r, g, b]. Default: grey levels. */
  palette?: [number, number, number][];
  /** Colour masks: BI_BITFIELDS. */
  masks?: [number, number, number];
  header?: 'core' | 'info' | 'v5';
  /** Run-length data in place of rows, with the given `biCompression`. */
  runs?: {compression: 1 | 2; bytes: number[]};
};

export function writeBmp(spec: BmpSpec): Uint8Array {
  const {width, height, bits, pixel, topDown = false, masks, header = 'info', runs} = spec;
  const headerSize = {core: 12, info: 40, v5: 124}[header];
  const colours = bits <= 8 ? (spec.palette ?? greys(bits)) : [];
  const entry = header === 'core' ? 3 : 4;
  const maskBytes = masks !== undefined && header === 'info' ? 12 : 0;
  const offset = 14 + headerSize + maskBytes + colours.length * entry;
  const stride = Math.ceil((width * bits) / 32) * 4;
  const bytes = new Uint8Array(offset + (runs?.bytes.length ?? stride * height));
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, offset, true);
  view.setUint32(14, headerSize, true);
  if (header === 'core') {
    for (const [i, value] of [width, height, 1, bits].entries()) view.setUint16(18 + i * 2, value, true);
  } else {
    view.setInt32(18, width, true);
    view.setInt32(22, topDown ? -height : height, true);
    view.setUint16(26, 1, true);
    view.setUint16(28, bits, true);
    view.setUint32(30, runs?.compression ?? (masks ? 3 : 0), true);
    view.setUint32(46, spec.palette?.length ?? 0, true);
    for (const [i, mask] of (masks ?? []).entries()) view.setUint32(54 + i * 4, mask, true);
  }
  for (const [i, [r, g, b]] of colours.entries()) bytes.set([b, g, r], 14 + headerSize + maskBytes + i * entry);
  if (runs) bytes.set(runs.bytes, offset);
  else for (let y = 0; y < height; y++) writeRow(bytes, offset + (topDown ? y : height - 1 - y) * stride, y, spec);
  return bytes;

  function writeRow(out: Uint8Array, from: number, y: number, {width, bits}: BmpSpec) {
    for (let x = 0; x < width; x++) {
      const value = pixel(x, y);
      if (bits <= 8) out[from + Math.floor((x * bits) / 8)]! |= value << (8 - bits - ((x * bits) % 8));
      else for (let i = 0; i < bits / 8; i++) out[from + (x * bits) / 8 + i] = (value >>> (8 * i)) & 255;
    }
  }
}

function greys(bits: number): [number, number, number][] {
  const count = 1 << bits;
  return Array.from({length: count}, (_, i) => {
    const level = Math.round((i * 255) / (count - 1));
    return [level, level, level];
  });
}
