import type {Ring} from '../annotations.js';
import {ellipseRing, rectangleRing} from '../outlines.js';

/** A region of interest as ImageJ stores it. */
export type Roi = {
  /** What it is, such as polygon. */
  kind: string;
  /** Even-odd, as in ImageJ. Undefined for kinds without an area. */
  rings: readonly Ring[] | undefined;
  /** Whether it was drawn on the first slice and frame of a stack, or on an image that is no stack. */
  onFirstSlice: boolean;
};

const HEADER_BYTES = 64;

/** By the number of the type. See RoiDecoder.java of ImageJ for the layout of the whole file. */
const KINDS = [
  'polygon',
  'rectangle',
  'oval',
  'line',
  'freehand line',
  'polyline',
  'empty roi',
  'freehand outline',
  'traced outline',
  'angle',
  'point',
];
const OUTLINES = ['polygon', 'freehand outline', 'traced outline'];
/** By the number of the subtype. These are stored as other kinds. */
const SUBTYPES: Readonly<Record<number, string>> = {1: 'text', 3: 'ellipse', 4: 'image', 5: 'rotated rectangle'};

/** Bits of the options. */
const SPLINE = 1;
const SUB_PIXEL = 128;

/** Into how many edges a curve is divided. */
const STEPS = 16;

/**
 * Parses a .roi file. Its coordinates are of the corners of pixels, as ours: a rectangle at 0, 0 of width 1 is the
 * first pixel, and of the other kinds ImageJ takes the pixels whose centre is inside. Throws an Error with a reason.
 */
export function parseRoi(bytes: Uint8Array): Roi {
  const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.byteLength < HEADER_BYTES) throw new Error(`it has ${file.byteLength} of ${HEADER_BYTES} bytes`);
  if (file.getUint32(0) !== 0x496f_7574) throw new Error("it does not begin with 'Iout'");
  const type = file.getUint8(6);
  const subtype = file.getInt16(48);
  const basic = KINDS[type];
  if (basic === undefined) throw new Error(`its type is ${type}`);
  const kind = (type === 1 || type === 7 ? SUBTYPES[subtype] : undefined) ?? basic;
  const onFirstSlice = isOnFirstSlice(file);
  const floats = file.getInt32(36);
  if (floats > 0) {
    if (type !== 1) throw new Error(`it is a composite of type ${type}`);
    return {kind: 'composite', rings: pathRings(file, floats), onFirstSlice};
  }
  if (kind === 'text' || kind === 'image') return {kind, rings: undefined, onFirstSlice};
  if (OUTLINES.includes(basic)) {
    // ImageJ draws a smooth curve through the points, which are then no outline.
    if ((file.getUint16(50) & SPLINE) !== 0) return {kind: 'spline', rings: undefined, onFirstSlice};
    return {kind, rings: [polygonRing(file)], onFirstSlice};
  }
  return {kind, rings: boxRings(file, basic), onFirstSlice};
}

function isOnFirstSlice(file: DataView): boolean {
  const second = file.getInt32(60);
  // Slice and frame; the channel does not matter. Older files have no second header.
  const places = second > 0 && second + 16 <= file.byteLength ? [second + 8, second + 12] : [];
  const hasPlaces = places.some((at) => file.getInt32(at) > 0);
  return (hasPlaces ? places : [56]).every((at) => file.getInt32(at) <= 1);
}

function isSubPixel(file: DataView, since: number): boolean {
  return (file.getUint16(50) & SUB_PIXEL) !== 0 && file.getInt16(4) >= since;
}

/** ImageJ reads values below -5000 as those above 32767 of a large image. */
function short(file: DataView, at: number): number {
  const value = file.getInt16(at);
  return value < -5000 ? value + 0x1_0000 : value;
}

function boxRings(file: DataView, kind: string): Ring[] | undefined {
  if (kind !== 'rectangle' && kind !== 'oval') return undefined;
  const [top, left, bottom, right] = [8, 10, 12, 14].map((at) => short(file, at)) as [number, number, number, number];
  let [x, y, width, height] = [left, top, right - left, bottom - top];
  if (isSubPixel(file, 223)) {
    [x, y, width, height] = [18, 22, 26, 30].map((at) => file.getFloat32(at)) as [number, number, number, number];
  }
  if (kind === 'oval') return [ellipseRing(x + width / 2, y + height / 2, [width / 2, height / 2])];
  const roundness = file.getInt16(54);
  return [roundness > 0 ? roundedRing(x, y, width, height, roundness) : rectangleRing(x, y, x + width, y + height)];
}

/** A rectangle with the corners of a circle. */
function roundedRing(x: number, y: number, width: number, height: number, diameter: number): Ring {
  const [a, b] = [Math.min(diameter, width) / 2, Math.min(diameter, height) / 2];
  const ring = Float64Array.from(ellipseRing(0, 0, [a, b]));
  for (let i = 0; i < ring.length; i += 2) {
    ring[i]! += x + (ring[i]! < 0 ? a : width - a);
    ring[i + 1]! += y + (ring[i + 1]! < 0 ? b : height - b);
  }
  return ring;
}

/** Whole coordinates are relative to the box, floats to the image. */
function polygonRing(file: DataView): Ring {
  const count = file.getUint16(16);
  const subPixel = isSubPixel(file, 222);
  const needed = HEADER_BYTES + count * (subPixel ? 12 : 4);
  if (file.byteLength < needed) throw new Error(`it has ${file.byteLength} of ${needed} bytes for ${count} points`);
  const ring = new Float64Array(2 * count);
  const [left, top] = [short(file, 10), short(file, 8)];
  for (let i = 0; i < count; i++) {
    const [x, y] = subPixel ? [4 * count + 4 * i, 8 * count + 4 * i] : [2 * i, 2 * count + 2 * i];
    ring[2 * i] = subPixel ? file.getFloat32(HEADER_BYTES + x) : left + file.getUint16(HEADER_BYTES + x);
    ring[2 * i + 1] = subPixel ? file.getFloat32(HEADER_BYTES + y) : top + file.getUint16(HEADER_BYTES + y);
  }
  return ring;
}

/** The path of a composite: the number of a kind of segment, then its points; all as floats. */
function pathRings(file: DataView, count: number): Ring[] | undefined {
  const needed = HEADER_BYTES + 4 * count;
  if (file.byteLength < needed) throw new Error(`it has ${file.byteLength} of ${needed} bytes for its path`);
  const rings: number[][] = [[]];
  let at = 0;
  const next = () => {
    if (at === count) throw new Error('its path ends within a segment');
    return file.getFloat32(HEADER_BYTES + 4 * at++);
  };
  while (at < count) {
    const segment = next();
    const points = Array.from({length: [2, 2, 4, 6, 0][segment] ?? Number.NaN}, next);
    const ring = rings.at(-1)!;
    if (segment === 0) rings.push(points);
    else if (segment === 1) ring.push(...points);
    else if (segment === 4) rings.push(ring.slice(0, 2));
    else if ((segment === 2 || segment === 3) && ring.length > 0) ring.push(...curve([...ring.slice(-2), ...points]));
    else throw new Error(`its path has a segment ${segment}`);
  }
  // What is left of lines, or after the end of a ring, has no area.
  const areas = rings.filter(({length}) => length >= 6);
  return areas.length === 0 ? undefined : areas;
}

/** Points on a Bézier curve after its first point, by de Casteljau's algorithm. */
function curve(points: readonly number[]): number[] {
  return Array.from({length: STEPS}, (_, i) => {
    const t = (i + 1) / STEPS;
    let level = points;
    while (level.length > 2) {
      const last = level;
      level = last.slice(2).map((value, j) => last[j]! + (value - last[j]!) * t);
    }
    return level;
  }).flat();
}
