import type {Color} from '../../draw/colors.js';

const HEADER_BYTES = 64;

/** The version of ImageJ 1.53's encoder, which has all of these fields. */
const VERSION = 228;

/** Numbers of kinds of regions. A composite is a rectangle with a path. */
const [POLYGON, RECTANGLE] = [0, 1] as const;

/** Segments of a path. */
const [MOVE, LINE, CLOSE] = [0, 1, 4] as const;

/** ImageJ reads 16 bits below -5000 as those of a number above 32767. */
const MOST_ORIGIN = 0xffff - 5000;
const MOST_SHORT = 0xffff;

/**
 * The bytes of a .roi file (RoiEncoder.java of ImageJ): a polygon in whole numbers, or a composite of several rings,
 * which ImageJ fills by the even-odd rule. `rings` have whole coordinates, of the corners of pixels.
 */
export function roiOf(rings: readonly (readonly number[])[], color: Color): Buffer {
  const box = boxOf(rings);
  const [first = []] = rings;
  const fits = Math.max(box.left, box.top) <= MOST_ORIGIN && first.length / 2 <= MOST_SHORT;
  const body = rings.length === 1 && fits ? polygonBody(first, box) : pathBody(rings);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('Iout', 0, 'latin1');
  header.writeUInt16BE(VERSION, 4);
  header.writeUInt8(body.type, 6);
  for (const [i, side] of [box.top, box.left, box.bottom, box.right].entries()) {
    header.writeUInt16BE(Math.min(side, MOST_SHORT), 8 + 2 * i);
  }
  header.writeUInt16BE(body.points, 16);
  header.writeUInt32BE(body.floats, 36);
  header.writeUInt32BE(0xff00_0000 + color[0] * 0x1_0000 + color[1] * 0x100 + color[2], 40);
  return Buffer.concat([header, body.bytes]);
}

type Box = {left: number; top: number; right: number; bottom: number};

function boxOf(rings: readonly (readonly number[])[]): Box {
  const box = {left: Infinity, top: Infinity, right: 0, bottom: 0};
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i += 2) {
      box.left = Math.min(box.left, ring[i]!);
      box.right = Math.max(box.right, ring[i]!);
      box.top = Math.min(box.top, ring[i + 1]!);
      box.bottom = Math.max(box.bottom, ring[i + 1]!);
    }
  }
  return box;
}

type Body = {type: number; points: number; floats: number; bytes: Buffer};

/** All x and then all y, relative to the box. */
function polygonBody(ring: readonly number[], {left, top}: Box): Body {
  const points = ring.length / 2;
  const bytes = Buffer.alloc(4 * points);
  for (let i = 0; i < points; i++) {
    bytes.writeUInt16BE(ring[2 * i]! - left, 2 * i);
    bytes.writeUInt16BE(ring[2 * i + 1]! - top, 2 * (points + i));
  }
  return {type: POLYGON, points, floats: 0, bytes};
}

/** A path in coordinates of the image. */
function pathBody(rings: readonly (readonly number[])[]): Body {
  const path: number[] = [];
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i += 2) path.push(i === 0 ? MOVE : LINE, ring[i]!, ring[i + 1]!);
    path.push(CLOSE);
  }
  const bytes = Buffer.alloc(4 * path.length);
  for (const [i, value] of path.entries()) bytes.writeFloatBE(value, 4 * i);
  return {type: RECTANGLE, points: 0, floats: path.length, bytes};
}
