import {Undecodable} from '../bytes.js';
import {TAG} from '../tiff.js';
import type {DiskPage, TiffReader} from './tiff-reader.js';

/** A level of a pyramid. */
export type TiffLevel = {
  page: DiskPage;
  width: number;
  height: number;
  /** How many pixels of level 0 a pixel is wide. */
  downsample: number;
  /** Where the page is, in sharp's words. */
  at: {page: number; subifd: number};
};

/** Bits of NewSubfileType (TIFF 6.0, section 8). */
const REDUCED = 1;
const MASK = 4;

/**
 * The levels of a TIFF: the page of this number, from 0, and the smaller copies of it, the largest first. They are
 * SubIFDs, and pages behind it, unless `isChannel`: then nothing says which later page is a copy of which channel.
 */
export async function levelsOf(
  reader: TiffReader,
  pages: readonly DiskPage[],
  number: number,
  {isChannel = false} = {},
): Promise<TiffLevel[]> {
  const page = pages[number]!;
  const base = await shapeOf(reader, page);
  if (base.width < 1 || base.height < 1) throw new Undecodable(`its size is ${base.width} × ${base.height}`);
  const subs = await reader.subPages(page);
  const candidates = [
    ...subs.map((sub, subifd) => ({page: sub, at: {page: number, subifd}, isSub: true})),
    ...(isChannel ? [] : pages.slice(number + 1)).map((next, i) => ({
      page: next,
      at: {page: number + 1 + i, subifd: -1},
      isSub: false,
    })),
  ];
  const levels: TiffLevel[] = [{page, ...sizeOf(base), downsample: 1, at: {page: number, subifd: -1}}];
  for (const {page: candidate, at, isSub} of candidates) {
    const shape = await shapeOf(reader, candidate);
    if (isCopy(base, shape, isSub)) {
      levels.push({page: candidate, ...sizeOf(shape), downsample: base.width / shape.width, at});
    }
  }
  levels.sort((a, b) => b.width - a.width);
  return levels.filter(({width}, i) => width !== levels[i - 1]?.width);
}

type Shape = {width: number; height: number; samples: number; bits: number; isTiled: boolean; kind: number};

async function shapeOf(reader: TiffReader, page: DiskPage): Promise<Shape> {
  return {
    width: await reader.first(page, TAG.width, 0),
    height: await reader.first(page, TAG.height, 0),
    samples: await reader.first(page, TAG.samples, 1),
    bits: await reader.first(page, TAG.bits, 1),
    isTiled: page.entries.has(TAG.tileOffsets),
    kind: await reader.first(page, TAG.subfileType, 0),
  };
}

const sizeOf = ({width, height}: Shape) => ({width, height});

/**
 * Whether a page is a smaller copy of level 0. It has the shape of level 0, each side rounded to whole pixels.
 * In slides of Aperio only levels are tiled, not the thumbnail, the label and the macro image (openslide.org, Aperio
 * format). Pages without tiles must say that they are smaller copies.
 */
function isCopy(base: Shape, {width, height, samples, bits, isTiled, kind}: Shape, isSub: boolean): boolean {
  const isSmaller = width > 0 && height > 0 && width < base.width && height <= base.height;
  const isAlike = samples === base.samples && bits === base.bits && isTiled === base.isTiled && (kind & MASK) === 0;
  const isInShape = Math.abs(width * base.height - height * base.width) <= base.width + base.height;
  return isSmaller && isAlike && isInShape && (isTiled || isSub || (kind & REDUCED) !== 0);
}
