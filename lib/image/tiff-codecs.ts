/** Blocks of bytes in the forms of TIFF's compressions, without making them smaller. */
import {inTurns, Turn} from '../basics/turns.js';

/** Codes of LZW: bytes are themselves. */
const [CLEAR, END] = [256, 257];
const CODE_BITS = 9;
/** Bytes between two codes that clear the table. With fewer than 254, codes keep 9 bits. */
const BETWEEN_CLEARS = 250;

/** LZW as in TIFF 6.0, section 13: each byte is a code of its own. Works in turns. */
export async function encodeLzw(bytes: Uint8Array): Promise<Uint8Array> {
  const codes = bytes.length + Math.ceil(bytes.length / BETWEEN_CLEARS) + 1;
  const encoded = new Uint8Array(Math.ceil((codes * CODE_BITS) / 8));
  let at = 0;
  let used = 0; // bits of the byte there. Counted apart, because a position in bits can have more than 32 bits.
  const add = (code: number) => {
    const shifted = code << (16 - CODE_BITS - used);
    encoded[at]! |= shifted >> 8;
    encoded[at + 1]! |= shifted & 255;
    used += CODE_BITS;
    at += used >> 3;
    used &= 7;
  };
  await inTurns(bytes.length, (from, to) => {
    for (let i = from; i < to; i++) {
      if (i % BETWEEN_CLEARS === 0) add(CLEAR!);
      add(bytes[i]!);
    }
  });
  add(END!);
  return encoded;
}

/** Bytes of a run that PackBits copies as they are. */
const LITERALS = 128;

/** PackBits as in TIFF 6.0, section 9: a byte says how many follow. */
export async function encodePackBits(bytes: Uint8Array): Promise<Uint8Array> {
  const runs = Math.ceil(bytes.length / LITERALS);
  const encoded = new Uint8Array(bytes.length + runs);
  await inTurns(runs, (from, to) => {
    for (let run = from; run < to; run++) {
      const literals = bytes.subarray(run * LITERALS, (run + 1) * LITERALS);
      encoded[run * (LITERALS + 1)] = literals.length - 1;
      encoded.set(literals, run * (LITERALS + 1) + 1);
    }
  });
  return encoded;
}

/** The most bytes of a block of Zstandard. */
const MOST_IN_BLOCK = 1 << 17;

/** A frame of Zstandard (RFC 8878) of blocks that are not compressed. Works in turns. */
export async function encodeZstandard(bytes: Uint8Array): Promise<Uint8Array> {
  const blocks = Math.max(1, Math.ceil(bytes.length / MOST_IN_BLOCK));
  const encoded = Buffer.alloc(9 + 3 * blocks + bytes.length);
  encoded.writeUInt32LE(0xfd2fb528, 0);
  encoded[4] = 0xa0; // one segment, whose size has four bytes
  encoded.writeUInt32LE(bytes.length, 5);
  const turn = new Turn();
  for (let block = 0, at = 9; block < blocks; block++) {
    if (turn.isOver()) await turn.next();
    const content = bytes.subarray(block * MOST_IN_BLOCK, (block + 1) * MOST_IN_BLOCK);
    encoded.writeUIntLE((content.length << 3) | Number(block === blocks - 1), at, 3);
    encoded.set(content, at + 3);
    at += 3 + content.length;
  }
  return encoded;
}
