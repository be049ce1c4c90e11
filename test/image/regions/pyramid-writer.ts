import type {RgbImage} from '../../../lib/image/rgb-image.js';

/** A page of 8-bit RGB to write, uncompressed: in tiles of `tile` pixels a side, or in strips of 16 rows. */
export type PyramidPage = {
  image: RgbImage;
  tile?: number;
  /** Numbers of the tiles or strips that are left out of the file. */
  leftOut?: readonly number[];
  /** Whether red, green and blue are stored on their own. */
  isPlanar?: boolean;
  /** NewSubfileType. Default 0. */
  kind?: number;
  description?: string;
  /** Pixels per unit, and the unit: 1 none, 2 inch, 3 cm. */
  resolution?: [perUnit: number, unit: 1 | 2 | 3];
  /** Pages in SubIFDs. */
  subPages?: readonly PyramidPage[];
};

const STRIP_ROWS = 16;
const [ASCII, SHORT, LONG, RATIONAL] = [2, 3, 4, 5];

/** Writes a TIFF in the byte order of small computers, as slide scanners do. */
export function writePyramid(pages: readonly PyramidPage[]): Buffer {
  const file = new Growing();
  let link = 4;
  for (const page of pages) {
    const {start, next} = writePage(file, page);
    file.setLong(link, start);
    link = next;
  }
  return file.bytes;
}

/** Bytes to which others are added. */
class Growing {
  bytes = Buffer.from('II*\0\0\0\0\0', 'latin1');

  /** Returns where the bytes are. They begin at an even byte. */
  add(bytes: Uint8Array): number {
    const start = this.bytes.length;
    this.bytes = Buffer.concat([this.bytes, bytes, Buffer.alloc(bytes.length % 2)]);
    return start;
  }

  setLong(at: number, value: number): void {
    this.bytes.writeUInt32LE(value, at);
  }
}

function writePage(file: Growing, page: PyramidPage): {start: number; next: number} {
  const {image, tile, leftOut = [], isPlanar = false, kind = 0, description, resolution, subPages = []} = page;
  const segments = segmentsOf(image, tile, isPlanar);
  const isThere = (i: number) => !leftOut.includes(i);
  const offsets = segments.map((segment, i) => (isThere(i) ? file.add(segment) : 0));
  const sizes = segments.map(({length}, i) => (isThere(i) ? length : 0));
  const subs = subPages.map((each) => writePage(file, each).start);
  const tags: [tag: number, type: number, values: number[]][] = [
    [254, LONG!, [kind]],
    [256, LONG!, [image.width]],
    [257, LONG!, [image.height]],
    [258, SHORT!, [8, 8, 8]],
    [259, SHORT!, [1]],
    [262, SHORT!, [2]],
    [277, SHORT!, [3]],
    [284, SHORT!, [isPlanar ? 2 : 1]],
  ];
  if (description !== undefined) tags.push([270, ASCII!, [...Buffer.from(`${description}\0`)]]);
  if (resolution !== undefined)
    tags.push([282, RATIONAL!, [resolution[0] * 1000, 1000]], [296, SHORT!, [resolution[1]]]);
  if (tile === undefined) tags.push([273, LONG!, offsets], [278, LONG!, [STRIP_ROWS]], [279, LONG!, sizes]);
  else tags.push([322, LONG!, [tile]], [323, LONG!, [tile]], [324, LONG!, offsets], [325, LONG!, sizes]);
  if (subs.length > 0) tags.push([330, LONG!, subs]);
  tags.sort(([a], [b]) => a - b);
  const entries = tags.map(([tag, type, values]) => {
    const bytes = type === ASCII ? Buffer.from(values) : Buffer.alloc(values.length * (type === SHORT ? 2 : 4));
    for (const [i, value] of values.entries()) {
      if (type === SHORT) bytes.writeUInt16LE(value, i * 2);
      else if (type !== ASCII) bytes.writeUInt32LE(value, i * 4);
    }
    const entry = Buffer.alloc(12);
    entry.writeUInt16LE(tag, 0);
    entry.writeUInt16LE(type, 2);
    entry.writeUInt32LE(type === RATIONAL ? values.length / 2 : values.length, 4);
    if (bytes.length <= 4) bytes.copy(entry, 8);
    else entry.writeUInt32LE(file.add(bytes), 8);
    return entry;
  });
  const count = Buffer.alloc(2);
  count.writeUInt16LE(entries.length);
  const start = file.add(Buffer.concat([count, ...entries, Buffer.alloc(4)]));
  return {start, next: start + 2 + entries.length * 12};
}

/** The pixels of each tile or strip. Tiles that reach over the border are filled up with 77. */
function segmentsOf({data, width, height}: RgbImage, tile: number | undefined, isPlanar: boolean): Buffer[] {
  const [columns, rows] = [tile ?? width, tile ?? STRIP_ROWS];
  const segments: Buffer[] = [];
  for (const channels of isPlanar ? [[0], [1], [2]] : [[0, 1, 2]]) {
    for (let top = 0; top < height; top += rows) {
      for (let left = 0; left < width; left += columns) {
        const end = tile === undefined ? Math.min(top + rows, height) : top + rows;
        const bytes: number[] = [];
        for (let y = top; y < end; y++) {
          for (let x = left; x < left + columns; x++) {
            const isInside = x < width && y < height;
            for (const channel of channels) bytes.push(isInside ? data[(y * width + x) * 3 + channel]! : 77);
          }
        }
        segments.push(Buffer.from(bytes));
      }
    }
  }
  return segments;
}
