import {Turn} from '../basics/turns.js';

/** Tags of a page (TIFF 6.0, sections 8, 15 and 19). */
export const TAG = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  samples: 277,
  stripBytes: 279,
  tileOffsets: 324,
  tileBytes: 325,
  sampleFormat: 339,
} as const;

export const PHOTOMETRIC = {whiteIsZero: 0, blackIsZero: 1, palette: 3};
export const SAMPLE_FORMAT = {unsigned: 1, signed: 2, float: 3};

/** An entry of a page: where its first value is and how many values of how many bytes there are. */
type Entry = {at: number; count: number; bytes: number};

/** A page of a TIFF (an "image file directory"). */
export type TiffPage = {entries: ReadonlyMap<number, Entry>};

/** Sizes of the whole-number types: BYTE, SHORT, LONG, LONG8. */
const TYPE_BYTES: Record<number, number> = {1: 1, 3: 2, 4: 4, 16: 8};

/** Limits the work for a damaged file, whose pages may overlap. Pages of real files have 10 to 30 entries. */
const MOST_ENTRIES = 1e6;

/** Reads the structure of a TIFF or BigTIFF, not its pixels. */
export class TiffFile {
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #big: boolean;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = bytes[0] === 0x49;
    this.#big = (this.#little ? bytes[2] : bytes[3]) === 43;
  }

  /**
   * The pages in their order, until the file ends or repeats itself. Throws an Error with the reason if it has none.
   */
  async pages(): Promise<TiffPage[]> {
    const pages: TiffPage[] = [];
    const seen = new Set<number>([0]);
    const turn = new Turn();
    let at = this.#offset(this.#big ? 8 : 4);
    for (let entries = 0; at !== undefined && !seen.has(at) && entries < MOST_ENTRIES; ) {
      if (turn.isOver()) await turn.next();
      seen.add(at);
      const page = this.#page(at);
      if (page === undefined) break;
      pages.push(page);
      entries += page.entries.size;
      at = this.#offset(page.end);
    }
    if (pages.length === 0) throw new Error('it is truncated: its first page is not there');
    return pages;
  }

  /** The first value of a tag. Undefined if the page does not have it. */
  value(page: TiffPage, tag: number): number | undefined {
    const entry = page.entries.get(tag);
    return entry && this.#number(entry.at, entry.bytes);
  }

  /** Overwrites the first value of a tag, in the bytes of the file. */
  setValue(page: TiffPage, tag: number, value: number): void {
    const {at, bytes} = page.entries.get(tag)!;
    if (bytes === 1) this.#view.setUint8(at, value);
    else if (bytes === 2) this.#view.setUint16(at, value, this.#little);
    else this.#view.setUint32(at, value, this.#little);
  }

  /** Where the pixels of a page end, in bytes from the start of the file. */
  async pixelsEnd(page: TiffPage): Promise<number> {
    const tiled = page.entries.has(TAG.tileOffsets);
    const offsets = page.entries.get(tiled ? TAG.tileOffsets : TAG.stripOffsets);
    const sizes = page.entries.get(tiled ? TAG.tileBytes : TAG.stripBytes);
    if (offsets === undefined || sizes === undefined) return 0;
    const turn = new Turn();
    let end = 0;
    for (let i = 0; i < Math.min(offsets.count, sizes.count); i++) {
      if (turn.isOver()) await turn.next();
      const start = this.#number(offsets.at + i * offsets.bytes, offsets.bytes) ?? 0;
      end = Math.max(end, start + (this.#number(sizes.at + i * sizes.bytes, sizes.bytes) ?? 0));
    }
    return end;
  }

  #page(at: number): (TiffPage & {end: number}) | undefined {
    const [countBytes, entryBytes, fieldBytes] = this.#big ? [8, 20, 8] : [2, 12, 4];
    const count = this.#number(at, countBytes!);
    if (count === undefined) return undefined;
    const end = at + countBytes! + count * entryBytes!;
    if (count === 0 || count > 0xffff || end > this.#view.byteLength) return undefined;
    const entries = new Map<number, Entry>();
    for (let entry = at + countBytes!; entry < end; entry += entryBytes!) {
      const bytes = TYPE_BYTES[this.#number(entry + 2, 2)!];
      if (bytes === undefined) continue;
      const values = this.#number(entry + 4, fieldBytes!)!;
      const field = entry + 4 + fieldBytes!;
      // Values that do not fit the field are elsewhere, and the field says where.
      const first = values * bytes <= fieldBytes! ? field : this.#number(field, fieldBytes!)!;
      entries.set(this.#number(entry, 2)!, {at: first, count: values, bytes});
    }
    return {entries, end};
  }

  #offset(at: number): number | undefined {
    return this.#number(at, this.#big ? 8 : 4);
  }

  /** A whole number of 1, 2, 4 or 8 bytes. Undefined if the file ends before it. */
  #number(at: number, bytes: number): number | undefined {
    if (at + bytes > this.#view.byteLength) return undefined;
    if (bytes === 1) return this.#view.getUint8(at);
    if (bytes === 2) return this.#view.getUint16(at, this.#little);
    if (bytes === 4) return this.#view.getUint32(at, this.#little);
    return Number(this.#view.getBigUint64(at, this.#little));
  }
}
