import {inTurns, Turn} from '../basics/turns.js';
import {Undecodable} from './bytes.js';

/**
 * Tags of a page (TIFF 6.0, sections 8, 15, 19 and 21; subPages: TIFF Technical Note 1; nodata: GDAL's own, a number as
 * text).
 */
export const TAG = {
  subfileType: 254,
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  description: 270,
  stripOffsets: 273,
  orientation: 274,
  samples: 277,
  rowsPerStrip: 278,
  stripBytes: 279,
  xResolution: 282,
  yResolution: 283,
  planar: 284,
  resolutionUnit: 296,
  predictor: 317,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileBytes: 325,
  subPages: 330,
  extraSamples: 338,
  sampleFormat: 339,
  subsampling: 530,
  nodata: 42113,
} as const;

export const PHOTOMETRIC = {whiteIsZero: 0, blackIsZero: 1, rgb: 2, palette: 3, cmyk: 5, ycbcr: 6};
export const SAMPLE_FORMAT = {unsigned: 1, signed: 2, float: 3};

/**
 * An entry of a page: where it is, where its first value is, and how many values of how many bytes there are.
 */
type Entry = {entry: number; at: number; count: number; bytes: number};

/** A page of a TIFF (an "image file directory"), and where it begins. */
export type TiffPage = {start: number; entries: ReadonlyMap<number, Entry>};

/** Sizes of the types of texts and whole numbers: BYTE, ASCII, SHORT, LONG, LONG8. */
const TYPE_BYTES: Record<number, number> = {1: 1, 2: 1, 3: 2, 4: 4, 16: 8};

const LONG = 4;

/** A tag that no reader knows, for entries that must be overlooked. */
const UNKNOWN_TAG = 65_000;

/** Limits the work for a damaged file, whose pages may overlap. Pages of real files have 10 to 30 entries. */
const MOST_ENTRIES = 1e6;
/** The most strips or tiles of a page: tiles of 256 × 256 pixels in an image of a million pixels a side. */
export const MOST_VALUES = 1 << 24;
/** The most channels of a pixel (SamplesPerPixel is a SHORT), and so the most values of the tags of a pixel. */
export const MOST_CHANNELS = 65_535;

/** Reads and changes the structure of a TIFF or BigTIFF, not its pixels. */
export class TiffFile {
  /** The file. Changes are made in it. */
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #little: boolean;
  readonly #big: boolean;
  /** What was changed, three numbers each: where, of how many bytes, and the number that was there. */
  readonly #changes: number[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
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

  /** The first `most` values of a tag; none if the page does not have it. Stops where the file ends. */
  values(page: TiffPage, tag: number, most = Infinity): number[] {
    const {at, bytes, count} = this.#there(page, tag);
    return Array.from({length: Math.min(count, most)}, (_, i) => this.#number(at + i * bytes, bytes)!);
  }

  /** All values of a tag, as `values()`, in turns: strips and tiles can be many. Throws an Error for too many. */
  async allValues(page: TiffPage, tag: number): Promise<number[]> {
    const {at, bytes, count} = this.#there(page, tag);
    if (count > MOST_VALUES) throw new Undecodable(`its tag ${tag} has ${count} numbers`);
    const values = new Array<number>(count);
    await inTurns(count, (from, to) => {
      for (let i = from; i < to; i++) values[i] = this.#number(at + i * bytes, bytes)!;
    });
    return values;
  }

  /** Where the values of a tag are, of how many bytes each, and how many of them are in the file. */
  #there(page: TiffPage, tag: number): Pick<Entry, 'at' | 'bytes' | 'count'> {
    const {at, bytes, count} = page.entries.get(tag) ?? {at: 0, bytes: 1, count: 0};
    const there = Math.floor((this.#view.byteLength - at) / bytes);
    return {at, bytes, count: Math.max(0, Math.min(count, there))};
  }

  /** The text of a tag, in Latin-1. */
  text(page: TiffPage, tag: number): string {
    const {at, count} = page.entries.get(tag) ?? {at: 0, count: 0};
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length).toString('latin1', at, at + count);
  }

  /**
   * Overwrites all values of a tag of pixels by one. Throws an Error with the reason if the page does not have it, or
   * has more values than a pixel can have channels.
   */
  setValue(page: TiffPage, tag: number, value: number): void {
    entryOf(page, tag);
    const {at, bytes, count} = this.#there(page, tag);
    if (count > MOST_CHANNELS) throw new Undecodable(`its tag ${tag} has ${count} numbers`);
    for (let i = 0; i < count; i++) this.#setNumber(at + i * bytes, bytes, value);
  }

  /**
   * Makes `values`, whole numbers of 32 bits, the values of a tag. If the entry has no room for them, they are written
   * at `spare`, where the file must have room. Throws an Error with the reason if the page does not have the tag.
   */
  setValues(page: TiffPage, tag: number, values: readonly number[], spare = 0): void {
    const {entry, at: old, bytes, count} = entryOf(page, tag);
    const field = entry + (this.#big ? 12 : 8);
    const isInline = values.length * 4 <= (this.#big ? 8 : 4);
    const at = isInline ? field : values.length * 4 <= count * bytes ? old : spare;
    this.#setNumber(entry + 2, 2, LONG);
    this.#setNumber(entry + 4, this.#big ? 8 : 4, values.length);
    if (!isInline) this.#setNumber(field, this.#big ? 8 : 4, at);
    for (const [i, value] of values.entries()) this.#setNumber(at + i * 4, 4, value);
  }

  /** Makes readers overlook a tag. */
  hide(page: TiffPage, tag: number): void {
    const entry = page.entries.get(tag);
    if (entry !== undefined) this.#setNumber(entry.entry, 2, UNKNOWN_TAG);
  }

  /** Whether numbers begin with their lowest byte. */
  get isLittleEndian(): boolean {
    return this.#little;
  }

  /** Makes this page the first one. */
  setFirst({start}: TiffPage): void {
    this.#setNumber(this.#big ? 8 : 4, this.#big ? 8 : 4, start);
  }

  /** Undoes all changes. */
  undo(): void {
    const changes = this.#changes.splice(0);
    for (let i = changes.length - 3; i >= 0; i -= 3) this.#write(changes[i]!, changes[i + 1]!, changes[i + 2]!);
  }

  #setNumber(at: number, bytes: number, value: number): void {
    this.#changes.push(at, bytes, this.#number(at, bytes)!);
    this.#write(at, bytes, value);
  }

  #write(at: number, bytes: number, value: number): void {
    if (bytes === 1) this.#view.setUint8(at, value);
    else if (bytes === 2) this.#view.setUint16(at, value, this.#little);
    else if (bytes === 4) this.#view.setUint32(at, value, this.#little);
    else this.#view.setBigUint64(at, BigInt(value), this.#little);
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
      entries.set(this.#number(entry, 2)!, {entry, at: first, count: values, bytes});
    }
    return {start: at, entries, end};
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

function entryOf({entries}: TiffPage, tag: number): Entry {
  const entry = entries.get(tag);
  if (entry === undefined) throw new Undecodable(`it is damaged: a page lacks the tag ${tag}`);
  return entry;
}
