/** Label images of objects that were found tile by tile, as a pyramid, in little memory. */
import {type FileHandle, open, rm} from 'node:fs/promises';
import {loadBinding} from '../addon/binding.js';
import {checkOptions, integer, number, oneOf, required, type Schema} from '../basics/schema.js';
import {Turn} from '../basics/turns.js';
import {removeAbandoned, temporaryPath, writeAll, writeAtomically} from '../files/atomic-file.js';
import {type Band, LabelPyramid, TILE} from '../image/label-pyramid.js';
import {ON_TOP, type OnTop} from '../masks/paint-labels.js';
import {countsWithin, rectOf, sharedRect} from '../masks/placed-mask.js';
import type {TiledObject} from '../model/tiles/tiled-object.js';

/** How a pyramid of labels is written. */
export type TilesLabelsOptions = {
  /** Size of the image that the tiles were read from, in pixels. */
  width: number;
  height: number;
  /** Length of the side of its pixels in µm, if it is known. */
  micronsPerPixel?: number | undefined;
  /**
   * Which object gets a pixel that several cover: 'better', the one with the higher score, or 'smaller', the one with
   * the smaller area. Of equal ones, the first. Default 'better'. Unlike `detectionsToLabels()`, it leaves out no
   * object.
   */
  onTop?: OnTop;
};

const OPTIONS: Schema = {
  width: required(integer({min: 1})),
  height: required(integer({min: 1})),
  micronsPerPixel: number({above: 0}),
  onTop: oneOf(...ON_TOP),
};

/** The part of an object in a row of tiles. A larger rank is on top. */
type Piece = {id: number; rank: number; left: number; top: number; size: readonly [number, number]; counts: string};

/** Text of pieces of a row of tiles that are written together. */
const BLOCK = 1 << 16;

/**
 * Writes a label image of the objects of `predictTiles()`: a TIFF with tiles of 256 × 256 pixels, deflated, and with
 * smaller copies in SubIFDs, each of a quarter of the pixels, as OME-TIFF has them. A pixel is the number of its
 * object, 1, 2, ... in their order, as in all other outputs, or 0. It has 16 bits, or 32 if there are more than 65535
 * objects, and the file is a BigTIFF if it could have more than 4 GB. The file appears when it is whole.
 *
 * What the objects have in each row of tiles is kept beside the file until then. In memory is one row of tiles, as far
 * as there are objects in it: of an image of 100,000 pixels at most 100 MB, and half as much for its levels. Returns
 * the number of objects. Throws INVALID_OPTION, WRITE_FAILED, and what `objects` throws.
 */
export async function writeTilesLabels(
  path: string,
  objects: AsyncIterable<TiledObject> | Iterable<TiledObject>,
  options: TilesLabelsOptions,
): Promise<number> {
  checkOptions(options, OPTIONS, 'writeTilesLabels()');
  const {width, height, micronsPerPixel, onTop = 'better'} = options;
  await removeAbandoned(path);
  let written = 0;
  await writeAtomically(path, async (file) => {
    const pieces = await Pieces.beside(path, {width, height});
    try {
      written = await pieces.add(objects, onTop);
      const pyramid = new LabelPyramid(file, {width, height, bytes: written > 0xffff ? 4 : 2, micronsPerPixel});
      for (let row = 0; row < pyramid.rows; row++) await pyramid.add(await paint(await pieces.ofRow(row)));
      await pyramid.finish();
    } finally {
      await pieces.remove();
    }
  });
  return written;
}

/** What objects have in each row of tiles, in a temporary file. */
class Pieces {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #width: number;
  readonly #rows: {text: string[]; length: number; blocks: {start: number; length: number}[]}[];
  #end = 0;

  private constructor(path: string, file: FileHandle, {width, height}: {width: number; height: number}) {
    this.#path = path;
    this.#file = file;
    this.#width = width;
    this.#rows = Array.from({length: Math.ceil(height / TILE)}, () => ({text: [], length: 0, blocks: []}));
  }

  static async beside(target: string, size: {width: number; height: number}): Promise<Pieces> {
    const path = temporaryPath(target);
    return new Pieces(path, await open(path, 'w+'), size);
  }

  /** Returns the number of objects. */
  async add(objects: AsyncIterable<TiledObject> | Iterable<TiledObject>, onTop: OnTop): Promise<number> {
    const binding = await loadBinding();
    const turn = new Turn();
    let id = 0;
    for await (const {mask, score} of objects) {
      id++;
      const rect = rectOf(mask);
      const rank = onTop === 'better' ? score : -binding.rle.areas([mask.rle.counts], rect.width, rect.height)[0]!;
      for (let row = Math.floor(rect.top / TILE); row * TILE < rect.top + rect.height; row++) {
        if (turn.isOver()) await turn.next();
        const part = sharedRect(rect, {left: 0, top: row * TILE, width: this.#width, height: TILE});
        if (part === undefined) continue;
        const {left, top, width, height} = part;
        const counts = countsWithin(binding, mask, part);
        await this.#append(row, {id, rank, left, top: top - row * TILE, size: [width, height], counts});
      }
    }
    for (const row of this.#rows.keys()) await this.#flush(row);
    return id;
  }

  /** The pieces of a row of tiles, the lowest first. */
  async ofRow(row: number): Promise<Piece[]> {
    const pieces: Piece[] = [];
    const turn = new Turn();
    for (const {start, length} of this.#rows[row]!.blocks) {
      const bytes = Buffer.alloc(length);
      await this.#file.read(bytes, 0, length, start);
      for (const line of bytes.toString('latin1').split('\n')) {
        if (turn.isOver()) await turn.next();
        if (line !== '') pieces.push(JSON.parse(line) as Piece);
      }
    }
    // Of equal ones, the first comes last, and so on top.
    return pieces.sort((a, b) => a.rank - b.rank || b.id - a.id);
  }

  async remove(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, {force: true});
  }

  async #append(row: number, piece: Piece): Promise<void> {
    const of = this.#rows[row];
    if (of === undefined) return; // below the image
    const line = `${JSON.stringify(piece)}\n`;
    of.text.push(line);
    of.length += line.length;
    if (of.length >= BLOCK) await this.#flush(row);
  }

  async #flush(row: number): Promise<void> {
    const of = this.#rows[row]!;
    if (of.length === 0) return;
    const bytes = Buffer.from(of.text.join(''), 'latin1');
    await writeAll(this.#file, bytes);
    of.blocks.push({start: this.#end, length: bytes.length});
    this.#end += bytes.length;
    [of.text, of.length] = [[], 0];
  }
}

/** The labels of a row of tiles. */
async function paint(pieces: readonly Piece[]): Promise<Band> {
  const {rle} = await loadBinding();
  const band: Band = new Map();
  const turn = new Turn();
  for (const {id, left, top, size, counts} of pieces) {
    const [width, height] = size;
    let at = 0;
    for (const [index, length] of rle.toRuns(counts, width, height).entries()) {
      if (turn.isOver()) await turn.next();
      if (index % 2 === 1) paintRun(band, {id, left, top, height, from: at, to: at + length});
      at += length;
    }
  }
  return band;
}

/** Paints pixels `from`..`to` - 1 of a rectangle, counted column by column. */
function paintRun(
  band: Band,
  {id, left, top, height, from, to}: {id: number; left: number; top: number; height: number; from: number; to: number},
): void {
  for (let at = from; at < to; ) {
    const x = left + Math.floor(at / height);
    const y = top + (at % height);
    const rows = Math.min(height - (at % height), to - at);
    const column = Math.floor(x / TILE);
    let tile = band.get(column);
    if (tile === undefined) {
      tile = new Uint32Array(TILE * TILE);
      band.set(column, tile);
    }
    for (let row = 0; row < rows; row++) tile[(y + row) * TILE + (x % TILE)] = id;
    at += rows;
  }
}
