import type {FileHandle} from 'node:fs/promises';
import {inTurns} from '../../basics/turns.js';
import {Undecodable} from '../bytes.js';
import {MOST_VALUES, TAG} from '../tiff.js';

/** An entry of a page: where its values are in the file, or the values themselves if they fit the entry. */
export type DiskEntry = {type: number; count: number; at: number; inline: Uint8Array | undefined};

/** A page of a TIFF (an "image file directory") and where the next one is, 0 after the last. */
export type DiskPage = {entries: ReadonlyMap<number, DiskEntry>; next: number};

/** Bytes of a value of each type (TIFF 6.0, section 2; 13: Technical Note 1; 16 to 18: BigTIFF). */
export const TYPE_BYTES: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 2,
  4: 4,
  5: 8,
  6: 1,
  7: 1,
  8: 2,
  9: 4,
  10: 8,
  11: 4,
  12: 8,
  13: 4,
  16: 8,
  17: 8,
  18: 8,
};
const RATIONAL = 5;
const FLOAT = 11;
const DOUBLE = 12;

/** Stacks have thousands of pages. More than these belong to a damaged file. */
const MOST_PAGES = 1e5;
/** Pages of real files have 10 to 30 entries. */
const MOST_ENTRIES = 4096;
/** The most bytes of a description that are read. OME-XML has some 500 for each plane. */
const MOST_TEXT = 1 << 24;

/**
 * Reads the structure of a TIFF or BigTIFF from an open file, piece by piece. `TiffFile` needs all bytes of the file in
 * memory. Throws an Undecodable with the reason.
 */
export class TiffReader {
  readonly isLittle: boolean;
  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #isBig: boolean;
  readonly #first: number;

  private constructor(handle: FileHandle, size: number, header: Uint8Array) {
    this.#handle = handle;
    this.#size = size;
    this.isLittle = header[0] === 0x49;
    this.#isBig = (this.isLittle ? header[2] : header[3]) === 43;
    this.#first = this.#isBig ? this.#long(header, 8) : this.#number(header, 4, 4);
  }

  static async open(handle: FileHandle): Promise<TiffReader> {
    const {size} = await handle.stat();
    const header = new Uint8Array(16);
    await handle.read(header, 0, 16, 0);
    return new TiffReader(handle, size, header);
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#size;
  }

  /** The pages in their order, until the file ends or repeats itself. There is at least one. */
  async pages(): Promise<DiskPage[]> {
    const pages: DiskPage[] = [];
    const seen = new Set<number>([0]);
    for (let at = this.#first; !seen.has(at) && pages.length < MOST_PAGES; ) {
      seen.add(at);
      const page = await this.#page(at);
      if (page === undefined) break;
      pages.push(page);
      at = page.next;
    }
    if (pages.length === 0) throw new Undecodable('it is truncated: its first page is not there');
    return pages;
  }

  /** The pages that a page points to, which are usually smaller copies of it. */
  async subPages(page: DiskPage): Promise<DiskPage[]> {
    const pages: DiskPage[] = [];
    for (const at of await this.numbers(page, TAG.subPages, MOST_PAGES)) {
      const sub = await this.#page(at);
      if (sub !== undefined) pages.push(sub);
    }
    return pages;
  }

  /** The numbers of a tag, or the first `most` of them. None if the page does not have it. */
  async numbers(page: DiskPage, tag: number, most = Infinity): Promise<number[]> {
    const entry = page.entries.get(tag);
    if (entry === undefined) return [];
    const count = Math.min(entry.count, most);
    if (count > MOST_VALUES) throw new Undecodable(`its tag ${tag} has ${count} numbers`);
    const bytes = await this.values({...entry, count});
    const size = TYPE_BYTES[entry.type]!;
    const numbers = new Array<number>(count);
    await inTurns(count, (from, to) => {
      for (let i = from; i < to; i++) numbers[i] = this.#value(bytes, i * size, entry.type, size);
    });
    return numbers;
  }

  /** The first number of a tag. */
  async first(page: DiskPage, tag: number, byDefault: number): Promise<number> {
    return (await this.numbers(page, tag, 1))[0] ?? byDefault;
  }

  /** The text of a tag, up to 16 MB of it. Empty if the page does not have it. */
  async text(page: DiskPage, tag: number): Promise<string> {
    const entry = page.entries.get(tag);
    if (entry === undefined) return '';
    const bytes = await this.values({...entry, count: Math.min(entry.count, MOST_TEXT)});
    return new TextDecoder().decode(bytes).split('\0', 1)[0]!;
  }

  /** The values of an entry, as they are in the file. */
  async values({type, count, at, inline}: DiskEntry): Promise<Uint8Array> {
    const length = count * TYPE_BYTES[type]!;
    return inline === undefined ? this.bytes(at, length) : inline.subarray(0, length);
  }

  /** Bytes of the file. */
  async bytes(at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    this.requireThere(at, length);
    const bytes = new Uint8Array(length);
    await this.readInto(bytes, at);
    return bytes;
  }

  /** Throws if the file ends before these bytes do, or no bytes can be there. */
  requireThere(at: number, length: number): void {
    if (![at, length].every((number) => Number.isSafeInteger(number) && number >= 0)) {
      throw new Undecodable(`it should have ${length} bytes from byte ${at} on`);
    }
    if (at + length <= this.#size) return;
    throw new Undecodable(`it is truncated: it should go on to byte ${at + length}, and it ends at ${this.#size}`);
  }

  /** Fills `bytes` from the file. */
  async readInto(bytes: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const {bytesRead} = await this.#handle.read(bytes, done, bytes.length - done, at + done);
      if (bytesRead === 0) throw new Undecodable(`it is truncated: it ends at byte ${at + done}`);
      done += bytesRead;
    }
  }

  async #page(at: number): Promise<DiskPage | undefined> {
    const [countBytes, entryBytes, fieldBytes] = this.#isBig ? [8, 20, 8] : [2, 12, 4];
    if (at <= 0 || at + countBytes! > this.#size) return undefined;
    const count = this.#offset(await this.bytes(at, countBytes!), 0, countBytes!);
    const length = count * entryBytes! + fieldBytes!;
    if (count === 0 || count > MOST_ENTRIES || at + countBytes! + length > this.#size) return undefined;
    const bytes = await this.bytes(at + countBytes!, length);
    const entries = new Map<number, DiskEntry>();
    for (let i = 0; i < count; i++) {
      const entry = i * entryBytes!;
      const type = this.#number(bytes, entry + 2, 2);
      const size = TYPE_BYTES[type];
      if (size === undefined) continue;
      const values = this.#offset(bytes, entry + 4, fieldBytes!);
      const field = entry + 4 + fieldBytes!;
      const isInline = values * size <= fieldBytes!;
      entries.set(this.#number(bytes, entry, 2), {
        type,
        count: values,
        at: isInline ? 0 : this.#offset(bytes, field, fieldBytes!),
        inline: isInline ? bytes.slice(field, field + fieldBytes!) : undefined,
      });
    }
    return {entries, next: this.#offset(bytes, count * entryBytes!, fieldBytes!)};
  }

  #value(bytes: Uint8Array, at: number, type: number, size: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (type === RATIONAL) return this.#number(bytes, at, 4) / this.#number(bytes, at + 4, 4);
    if (type === FLOAT) return view.getFloat32(at, this.isLittle);
    if (type === DOUBLE) return view.getFloat64(at, this.isLittle);
    return this.#offset(bytes, at, size);
  }

  #offset(bytes: Uint8Array, at: number, size: number): number {
    return size === 8 ? this.#long(bytes, at) : this.#number(bytes, at, size);
  }

  #long(bytes: Uint8Array, at: number): number {
    return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, this.isLittle));
  }

  #number(bytes: Uint8Array, at: number, size: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    if (size === 1) return view.getUint8(at);
    return size === 2 ? view.getUint16(at, this.isLittle) : view.getUint32(at, this.isLittle);
  }
}
