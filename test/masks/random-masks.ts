import fc from 'fast-check';

/** A row-major bitmap of 0 and 1. */
export type Bitmap = {width: number; height: number; pixels: Uint8Array};

/** A bitmap of rows of text: '#' is the object. */
export function drawn(...rows: string[]): Bitmap {
  const pixels = Uint8Array.from(rows.join(''), (pixel) => (pixel === '#' ? 1 : 0));
  return {width: rows[0]!.length, height: rows.length, pixels};
}

export function bitmapOf(width: number, height: number, isObject: (x: number, y: number) => boolean): Bitmap {
  const pixels = Uint8Array.from({length: width * height}, (_, i) =>
    isObject(i % width, Math.floor(i / width)) ? 1 : 0,
  );
  return {width, height, pixels};
}

const side = fc.integer({min: 1, max: 14});

const noise = fc
  .tuple(side, side, fc.double({min: 0, max: 1, noNaN: true}))
  .chain(([width, height, density]) =>
    fc
      .array(fc.double({min: 0, max: 1, noNaN: true}), {minLength: width * height, maxLength: width * height})
      .map((values) => bitmapOf(width, height, (x, y) => values[y * width + x]! < density)),
  );

const blobs = fc
  .tuple(side, side, fc.array(fc.tuple(fc.integer({max: 14}), fc.integer({max: 14}), side), {maxLength: 4}))
  .map(([width, height, circles]) =>
    bitmapOf(width, height, (x, y) => circles.some(([cx, cy, r]) => (x - cx) ** 2 + (y - cy) ** 2 < (r * r) / 4)),
  );

const rings = fc.tuple(side, side, fc.integer({min: 2, max: 5}), fc.boolean()).map(([width, height, period, round]) =>
  bitmapOf(width, height, (x, y) => {
    const dx = Math.abs(x - width / 2);
    const dy = Math.abs(y - height / 2);
    return Math.floor(round ? Math.hypot(dx, dy) : Math.max(dx, dy)) % period === 0;
  }),
);

const checkerboards = fc
  .tuple(side, side, fc.integer({min: 1, max: 3}))
  .map(([width, height, size]) =>
    bitmapOf(width, height, (x, y) => (Math.floor(x / size) + Math.floor(y / size)) % 2 === 0),
  );

const full = fc.tuple(side, side).map(([width, height]) => bitmapOf(width, height, () => true));

/** Noise, blobs, nested rings, checkerboards and full images, up to 14 × 14 pixels. */
export const randomMask = fc.oneof(noise, blobs, rings, checkerboards, full);

/** The parts of the pixels that have `value`, each as its pixels. Connected by sides only, or by corners too. */
export function partsOf({width, height, pixels}: Bitmap, value: 0 | 1, byCorners: boolean): number[][] {
  const seen = new Set<number>();
  const parts: number[][] = [];
  for (let start = 0; start < width * height; start++) {
    if (pixels[start] !== value || seen.has(start)) continue;
    const part = [start];
    seen.add(start);
    for (const at of part) {
      for (const [dx, dy] of byCorners ? [...SIDES, ...CORNERS] : SIDES) {
        const x = (at % width) + dx;
        const y = Math.floor(at / width) + dy;
        const next = y * width + x;
        if (x < 0 || x >= width || y < 0 || y >= height || pixels[next] !== value || seen.has(next)) continue;
        seen.add(next);
        part.push(next);
      }
    }
    parts.push(part);
  }
  return parts;
}

const SIDES: [number, number][] = [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
];
const CORNERS: [number, number][] = [
  [1, 1],
  [1, -1],
  [-1, 1],
  [-1, -1],
];

/** The bitmap with a margin of one pixel of 0. */
export function padded({width, height, pixels}: Bitmap): Bitmap {
  const inside = (x: number, y: number) => x > 0 && y > 0 && x <= width && y <= height;
  return bitmapOf(width + 2, height + 2, (x, y) => inside(x, y) && pixels[(y - 1) * width + x - 1] === 1);
}
