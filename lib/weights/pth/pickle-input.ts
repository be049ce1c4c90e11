import {count} from '../../basics/wording.js';
import {MalformedPickle, PickleEnds} from './pickle-values.js';

/** Maximum length of an integer in bytes or digits. Counts, ids and seeds are shorter. */
const longestInteger = 256;

/** Reads the bytes of a pickle in order. Throws PickleEnds if an operand goes beyond them. */
export class PickleInput {
  constructor(
    private readonly bytes: Buffer,
    public position: number,
  ) {}

  byte(): number {
    return this.bytes.readUInt8(this.advance(1));
  }

  uint16(): number {
    return this.bytes.readUInt16LE(this.advance(2));
  }

  int32(): number {
    return this.bytes.readInt32LE(this.advance(4));
  }

  uint32(): number {
    return this.bytes.readUInt32LE(this.advance(4));
  }

  /** Reads a length that is stored in eight bytes. */
  uint64(): number {
    const value = this.bytes.readBigUInt64LE(this.advance(8));
    if (value > Number.MAX_SAFE_INTEGER) throw new MalformedPickle(`an operand claims ${value} bytes`);
    return Number(value);
  }

  /** Reads a float, which is big-endian, unlike all other operands. */
  float64(): number {
    return this.bytes.readDoubleBE(this.advance(8));
  }

  text(length: number): string {
    const start = this.advance(length);
    return this.bytes.toString('utf8', start, start + length);
  }

  data(length: number): Uint8Array {
    const start = this.advance(length);
    return Uint8Array.from(this.bytes.subarray(start, start + length));
  }

  /** Reads an integer of `length` bytes, little-endian two's complement. */
  long(length: number): number | bigint {
    if (length > longestInteger) throw new MalformedPickle(`an integer claims ${count(length, 'byte')}`);
    const start = this.advance(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[start + i]!);
    return toInteger(BigInt.asIntN(8 * length, value));
  }

  /** Reads the text up to the next line feed. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0) throw new PickleEnds('it ends within a line');
    const start = this.position;
    this.position = end + 1;
    return this.bytes.toString('utf8', start, end);
  }

  decimal(): number | bigint {
    const text = this.line().replace(/L$/, '');
    if (text.length > longestInteger || !/^[+-]?\d+$/.test(text))
      throw new MalformedPickle('expected a decimal integer');
    return toInteger(BigInt(text.replace('+', '')));
  }

  /** Skips `length` bytes and returns the position of the first one. */
  private advance(length: number): number {
    if (length < 0) throw new MalformedPickle(`an operand claims ${count(length, 'byte')}`);
    if (length > this.bytes.length - this.position)
      throw new PickleEnds(`it ends within an operand of ${count(length, 'byte')}`);
    const start = this.position;
    this.position += length;
    return start;
  }
}

function toInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
