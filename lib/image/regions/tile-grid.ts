import type {Rect} from './region-source.js';

/** One axis of a grid: where its tiles start, in pixels. */
type Axis = {starts: readonly number[]; size: number; stride: number; length: number};

/** The sides of a tile. */
export type Side = 'left' | 'top' | 'right' | 'bottom';

/**
 * Covers an image of width × height pixels with tiles of size × size, in rows from the top, from left to right. Each
 * tile shares `overlap` pixels with the next one. The last tiles of a row and of a column are shifted inwards, so that
 * all have the full size. An image with a side shorter than `size` has tiles of that side.
 */
export class TileGrid {
  /** The number of tiles. */
  readonly count: number;
  readonly description: {
    readonly width: number;
    readonly height: number;
    readonly size: number;
    readonly overlap: number;
  };
  readonly #x: Axis;
  readonly #y: Axis;

  constructor({width, height}: {width: number; height: number}, size: number, overlap: number) {
    this.description = {width, height, size, overlap};
    this.#x = axisOf(width, size, overlap);
    this.#y = axisOf(height, size, overlap);
    this.count = this.#x.starts.length * this.#y.starts.length;
  }

  /** Tile `index`, in pixels of the image. */
  tile(index: number): Rect {
    const [x, y] = this.#place(index);
    return {left: this.#x.starts[x]!, top: this.#y.starts[y]!, width: this.#x.size, height: this.#y.size};
  }

  /** Tile `index` up to the middle of what it shares with its neighbours. The cores cover the image once. */
  core(index: number): Rect {
    const [x, y] = this.#place(index);
    const [left, top] = [coreStart(this.#x, x), coreStart(this.#y, y)];
    return {left, top, width: coreStart(this.#x, x + 1) - left, height: coreStart(this.#y, y + 1) - top};
  }

  /** The sides of tile `index` beyond which the image goes on. */
  innerSides(index: number): Side[] {
    const [x, y] = this.#place(index);
    const sides: Side[] = [];
    if (x > 0) sides.push('left');
    if (y > 0) sides.push('top');
    if (x < this.#x.starts.length - 1) sides.push('right');
    if (y < this.#y.starts.length - 1) sides.push('bottom');
    return sides;
  }

  /** The tiles that contain pixels of `rect`, in ascending order. */
  over({left, top, width, height}: Rect): number[] {
    const [firstX, lastX] = tilesOver(this.#x, left, left + width);
    const [firstY, lastY] = tilesOver(this.#y, top, top + height);
    const found: number[] = [];
    for (let y = firstY; y <= lastY; y++) {
      for (let x = firstX; x <= lastX; x++) found.push(y * this.#x.starts.length + x);
    }
    return found;
  }

  #place(index: number): [x: number, y: number] {
    const columns = this.#x.starts.length;
    return [index % columns, Math.floor(index / columns)];
  }
}

function axisOf(length: number, tileSize: number, overlap: number): Axis {
  const size = Math.min(length, tileSize);
  const stride = tileSize - overlap;
  const starts: number[] = [];
  for (let start = 0; start + size < length; start += stride) starts.push(start);
  starts.push(length - size);
  return {starts, size, stride, length};
}

/** Where the core of tile `index` starts: in the middle of what it shares with the tile before. */
function coreStart({starts, size, length}: Axis, index: number): number {
  if (index === 0) return 0;
  if (index === starts.length) return length;
  return Math.floor((starts[index]! + starts[index - 1]! + size) / 2);
}

/** The first and the last tile that contain pixels of from..to. All tiles but the last start at multiples of stride. */
function tilesOver({starts, size, stride}: Axis, from: number, to: number): [first: number, last: number] {
  const end = starts.length - 1;
  const first = Math.max(0, Math.min(end, Math.floor((from - size) / stride) + 1));
  const last = to > starts[end]! ? end : Math.min(end - 1, Math.ceil(to / stride) - 1);
  return [first, last];
}
