type Samples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** A page to write: one uncompressed strip. */
export type TiffPageSpec = {
  width: number;
  height: number;
  /** The samples. With `bits` below 8, they are packed bytes, and each row begins at a new byte. */
  data: Samples;
  /** Bits per sample. Default: those of an element of `data`. */
  bits?: number;
  /** Samples of a pixel, side by side: 1 (default), or 3 and more. */
  samples?: number;
  /** 0: white is 0; 1: black is 0 (default); 3: palette. */
  photometric?: 0 | 1 | 3;
  /** The number of a compression, without compressing anything. Default 1, none. */
  compression?: number;
  /** The ImageDescription, of at least four letters. */
  description?: string;
};

/** Writes a TIFF. sharp itself would write raw 16-bit input as 8 bits, and neither palettes nor signed numbers. */
export function writeTiff(pages: TiffPageSpec | TiffPageSpec[], {bigEndian = false} = {}): Buffer {
  const parts: Buffer[] = [Buffer.from(bigEndian ? 'MM\0*\0\0\0\0' : 'II*\0\0\0\0\0', 'latin1')];
  let end = 8;
  let link = 4; // where the offset of the next page goes
  for (const page of [pages].flat()) {
    const pixels = bytesOf(page.data, bigEndian);
    const directory = directoryOf(page, end, bigEndian);
    const start = end + pixels.length;
    parts.push(pixels, directory);
    end = start + directory.length;
    const file = Buffer.concat(parts);
    if (bigEndian) file.writeUInt32BE(start, link);
    else file.writeUInt32LE(start, link);
    parts.splice(0, parts.length, file);
    link = start + 2 + tagsOf(page) * 12;
  }
  return parts[0]!;
}

const tagsOf = ({description}: TiffPageSpec) => (description === undefined ? 11 : 12);

function directoryOf(page: TiffPageSpec, pixels: number, bigEndian: boolean): Buffer {
  const {width, height, data, samples = 1, photometric = 1, compression = 1, description} = page;
  const {bits = data.BYTES_PER_ELEMENT * 8} = page;
  const end = pixels + data.byteLength;
  const count = tagsOf(page);
  const tail = end + 2 + count * 12 + 4;
  const colours = photometric === 3 ? 3 << bits : 3;
  const text = Buffer.from(description === undefined ? '' : `${description}\0`);
  const textStart = tail + colours * 2 + samples * 2;
  const tags: [tag: number, type: number, count: number, value: number][] = [
    [256, 4, 1, width],
    [257, 4, 1, height],
    [258, 3, samples, samples === 1 ? bits : tail + colours * 2],
    [259, 3, 1, compression],
    [262, 3, 1, photometric],
    ...(description === undefined ? [] : [[270, 2, text.length, textStart] as [number, number, number, number]]),
    [273, 4, 1, pixels],
    [277, 3, 1, samples],
    [278, 4, 1, height],
    [279, 4, 1, data.byteLength],
    [320, 3, colours, tail],
    [339, 3, 1, data instanceof Float32Array || data instanceof Float64Array ? 3 : isSigned(data) ? 2 : 1],
  ];
  const bytes = Buffer.alloc(textStart - end + text.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint16(0, count, !bigEndian);
  for (const [i, [tag, type, count, value]] of tags.entries()) {
    const at = 2 + i * 12;
    view.setUint16(at, tag, !bigEndian);
    view.setUint16(at + 2, type, !bigEndian);
    view.setUint32(at + 4, count, !bigEndian);
    if (type === 3 && count === 1) view.setUint16(at + 8, value, !bigEndian);
    else view.setUint32(at + 8, value, !bigEndian);
  }
  // Colours of which none is the grey level of its index.
  for (let i = 0; i < colours; i++) view.setUint16(tail - end + i * 2, (i * 7919 + 5000) % 65536, !bigEndian);
  for (let i = 0; i < samples; i++) view.setUint16(tail - end + (colours + i) * 2, bits, !bigEndian);
  text.copy(bytes, textStart - end);
  return bytes;
}

function isSigned(data: Samples): boolean {
  return data instanceof Int8Array || data instanceof Int16Array || data instanceof Int32Array;
}

function bytesOf(data: Samples, bigEndian: boolean): Buffer {
  const bytes = Buffer.from(data.slice().buffer);
  if (bigEndian && data.BYTES_PER_ELEMENT === 2) bytes.swap16();
  if (bigEndian && data.BYTES_PER_ELEMENT === 4) bytes.swap32();
  return bytes;
}
