/** The shapes of Label Studio's regions, whose lengths are in percent of the image. */
import {MaskRcnnError} from '../../../basics/errors.js';
import {alphaBitmap} from '../alpha-bitmap.js';
import type {Part, Ring} from '../annotations.js';
import type {Fields} from '../fields.js';
import {ellipseRing, rectangleRing, ringOf, turnedRing} from '../outlines.js';
import {bitmapOfBrush} from './label-studio-brush.js';

export type Size = {width: number; height: number};

/** A shape as it is kept in memory. Lengths are in percent of the image's width and height. */
export type Geometry =
  | {kind: 'polygon'; ring: Ring}
  | {kind: 'ellipse'; centre: readonly [number, number]; radii: readonly [number, number]; degrees: number}
  | {kind: 'mask'; brush: Uint8Array}
  | {kind: 'mask'; png: Buffer}
  | {kind: 'box'; corner: readonly [number, number]; sides: readonly [number, number]; degrees: number};

/** The shape in a value. `kind`: polygon, ellipse, rectangle, brush or bitmask. Throws INVALID_DATASET. */
export function geometryOf(value: Fields, kind: string): Geometry {
  switch (kind) {
    case 'polygon':
      return {kind, ring: ringOf(value.points('points'))};
    case 'ellipse': {
      // The documentation calls (x, y) a corner, but the editor draws the ellipse around it and turns it there.
      const centre = [value.number('x'), value.number('y')] as const;
      const radii = [value.number('radiusX'), value.number('radiusY')] as const;
      return {kind, centre, radii, degrees: value.optionalNumber('rotation') ?? 0};
    }
    // Nobody drew a mask: a rectangle is a box. It is turned around its corner.
    case 'rectangle': {
      const corner = [value.number('x'), value.number('y')] as const;
      const sides = [value.number('width'), value.number('height')] as const;
      return {kind: 'box', corner, sides, degrees: value.optionalNumber('rotation') ?? 0};
    }
    case 'brush': {
      const bytes = value.numbers('rle');
      if (!bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) {
        throw value.wrong('rle', 'a list of bytes');
      }
      return {kind: 'mask', brush: Uint8Array.from(bytes)};
    }
    default: {
      const [, data] = /^data:image\/png;base64,(.*)$/s.exec(value.text('imageDataURL')) ?? [];
      if (data === undefined) throw value.wrong('imageDataURL', 'a data URL of a PNG');
      return {kind: 'mask', png: Buffer.from(data, 'base64')};
    }
  }
}

/** The part of an object that a shape is, in pixels. Throws INVALID_MASK, which names `where` and `file`. */
export async function partOf(
  geometry: Geometry,
  size: Size,
  {where, file}: {where: string; file: string},
): Promise<Part> {
  const name = `The mask of ${where} in ${file}`;
  const [x, y] = [size.width / 100, size.height / 100];
  if (geometry.kind === 'polygon') {
    return {rings: [Float64Array.from(geometry.ring, (value, i) => value * (i % 2 === 0 ? x : y))]};
  }
  if (geometry.kind === 'ellipse') {
    const {centre, radii, degrees} = geometry;
    const halfAxes = [radii[0] * x, radii[1] * y] as const;
    return {rings: [ellipseRing(centre[0] * x, centre[1] * y, halfAxes, (degrees * Math.PI) / 180)]};
  }
  if (geometry.kind === 'box') {
    const [left, top] = [geometry.corner[0] * x, geometry.corner[1] * y];
    const ring = rectangleRing(left, top, left + geometry.sides[0] * x, top + geometry.sides[1] * y);
    return {boxAround: turnedRing(ring, left, top, (geometry.degrees * Math.PI) / 180)};
  }
  if ('png' in geometry) {
    return {bitmap: await alphaBitmap(geometry.png, {left: 0, top: 0, most: size, name})};
  }
  try {
    return {bitmap: await bitmapOfBrush(geometry.brush, size)};
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new MaskRcnnError('INVALID_MASK', `${name} must be ${cause.message}.`, {file, cause});
  }
}
