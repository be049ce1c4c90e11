import {Turn} from '../basics/turns.js';
import type {StoredValues} from './stored-values.js';

/** Sizes and labels of the blocks of a GIF (GIF89a specification, sections 17 to 23). */
const HEADER_BYTES = 13;
const EXTENSION = 0x21;
const GRAPHIC_CONTROL = 0xf9;
const IMAGE = 0x2c;
const IMAGE_BYTES = 10;

/**
 * The GIF with grey levels in place of its colours, so that a decoder gives the indices of the first frame. No index is
 * transparent any more. Changes `bytes`. Throws an Error with the reason if the file ends before its first frame.
 */
export async function storedValuesOfGif(bytes: Uint8Array): Promise<StoredValues> {
  const truncated = new Error('it is truncated: it has no frame');
  const global = tableAt(bytes, HEADER_BYTES, bytes[10]);
  fillWithGreys(bytes, global);
  const turn = new Turn();
  let at = global.end;
  while (at < bytes.length) {
    if (bytes[at] === IMAGE) {
      const local = tableAt(bytes, at + IMAGE_BYTES, bytes[at + IMAGE_BYTES - 1]);
      fillWithGreys(bytes, local);
      const {colours} = local.colours > 0 ? local : global;
      return {bytes, bits: Math.max(1, Math.log2(colours)), palette: true};
    }
    if (bytes[at] !== EXTENSION) break;
    if (bytes[at + 1] === GRAPHIC_CONTROL && at + 3 < bytes.length) bytes[at + 3]! &= ~1; // no transparent index
    at += 2;
    while (at < bytes.length && bytes[at] !== 0) {
      if (turn.isOver()) await turn.next();
      at += 1 + bytes[at]!;
    }
    at++;
  }
  throw truncated;
}

type ColourTable = {start: number; end: number; colours: number};

/** The colour table that begins at `start`, by the flags before it. It has no colours if the flags say so. */
function tableAt(bytes: Uint8Array, start: number, flags = 0): ColourTable {
  const colours = (flags & 0x80) === 0 ? 0 : 2 << (flags & 7);
  return {start, colours, end: Math.min(bytes.length, start + colours * 3)};
}

function fillWithGreys(bytes: Uint8Array, {start, end}: ColourTable): void {
  for (let i = start; i < end; i++) bytes[i] = Math.floor((i - start) / 3);
}
