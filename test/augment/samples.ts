import fc from 'fast-check';
import type {AugmentContext} from '../../lib/augment/augmentation.js';
import {hasMask, type Instance, type Sample} from '../../lib/datasets/dataset.js';

/** A context for augmentations that need no other sample. */
export const alone: AugmentContext = {
  another: () => Promise.reject(new Error('No other sample was expected to be asked for.')),
};

export type Ids = {width: number; height: number; ids: number[]};

/** Id images of up to 12 × 12 pixels with up to four instances of any shape. */
export const idImages: fc.Arbitrary<Ids> = fc
  .tuple(fc.integer({min: 1, max: 12}), fc.integer({min: 1, max: 12}))
  .chain(([width, height]) =>
    fc
      .array(fc.integer({min: 0, max: 4}), {minLength: width * height, maxLength: width * height})
      .map((ids) => ({width, height, ids})),
  );

export function sampleOf({width, height, ids}: Ids): Sample {
  const data = Uint8Array.from({length: width * height * 3}, (_, i) => (i * 37) % 256);
  return {
    file: 'x.png',
    image: {data, width, height},
    instances: instancesOf({ids, width}),
  };
}

/** The instances of an id image, at once. */
function instancesOf({width, ids}: Omit<Ids, 'height'>): Instance[] {
  return [...new Set(ids)]
    .filter((id) => id !== 0)
    .sort((a, b) => a - b)
    .map((id) => {
      const places = ids.flatMap((other, i) => (other === id ? [[i % width, Math.floor(i / width)] as const] : []));
      const [xs, ys] = [places.map(([x]) => x), places.map(([, y]) => y)];
      const [left, top] = [Math.min(...xs), Math.min(...ys)];
      const size = {width: Math.max(...xs) + 1 - left, height: Math.max(...ys) + 1 - top};
      const data = new Uint8Array(size.width * size.height);
      for (const [x, y] of places) data[(y - top) * size.width + x - left] = 1;
      return {label: 1, box: [left, top, left + size.width, top + size.height], mask: {left, top, ...size, data}, id};
    });
}

/** The id image of a sample, painted from its cropped masks. */
export function paint({image: {width, height}, instances}: Sample): number[] {
  const ids = new Array<number>(width * height).fill(0);
  for (const {mask, id} of instances.filter(hasMask)) {
    for (const [i, on] of mask.data.entries()) {
      if (on) ids[(mask.top + Math.floor(i / mask.width)) * width + mask.left + (i % mask.width)] = id!;
    }
  }
  return ids;
}

/** Smoothly varying colours, with discs of a bright colour as instances. */
export function discs(width = 90, height = 70): Sample {
  const centres = [
    [22, 20, 12],
    [60, 25, 15],
    [40, 52, 10],
  ] as const;
  const ids = Array.from({length: width * height}, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return centres.findIndex(([cx, cy, r]) => (x - cx) ** 2 + (y - cy) ** 2 <= r * r) + 1;
  });
  const data = Uint8Array.from({length: width * height * 3}, (_, i) => {
    const id = ids[Math.floor(i / 3)]!;
    return id === 0 ? 40 : i % 3 === 0 ? 250 : 60 * id;
  });
  return {
    file: 'discs.png',
    image: {data, width, height},
    instances: instancesOf({ids, width}),
  };
}

/** The disc that each pixel shows according to its colour: its id, 0 for none, or -1 for a mixed colour. */
export function idsOfColours({image: {data}}: Sample): number[] {
  return Array.from({length: data.length / 3}, (_, i) => {
    const [r, g, b] = data.subarray(3 * i, 3 * i + 3);
    if (r === 40 && g === 40 && b === 40) return 0;
    const id = g! / 60;
    return r === 250 && g === b && Number.isInteger(id) && id > 0 ? id : -1;
  });
}
