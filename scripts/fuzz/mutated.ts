import type {Random} from '../../lib/basics/random.js';

/** Texts that break readers: of numbers, of structures, of names. */
const ODD = [
  ...['0', '-1', '1e309', '-1e308', '1e-320', 'NaN', 'null', 'true', '""', '[]', '{}', '[[]]', '9007199254740993'],
  ...[
    '4294967296',
    '2147483648',
    '-2147483649',
    '65536',
    '0.1',
    '1,',
    ',',
    ':',
    '"',
    '<',
    '>',
    '&',
    '/',
    '..',
    '\\',
    '\n',
    '\0',
  ],
  ...['é', '𝄞', '__proto__', 'constructor', 'length', '%00', 'C:\\x.png', '../../x.png'],
];

/** The bytes with one to four changes: bits, bytes, pieces that are cut, doubled or moved, and odd texts. */
export function mutated(original: Buffer, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (let changes = 1 + random.integer(4); changes > 0 && bytes.length > 0; changes--) bytes = changed(bytes, random);
  return bytes;
}

function changed(bytes: Buffer, random: Random): Buffer {
  const at = random.integer(bytes.length);
  const length = Math.min(bytes.length - at, 1 + random.integer(32));
  const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)];
  switch (random.integer(8)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1 << random.integer(8);
      return flipped;
    }
    case 1: {
      const replaced = Buffer.from(bytes);
      replaced[at] = random.integer(256);
      return replaced;
    }
    case 2:
      return Buffer.concat([before, after]);
    case 3:
      return Buffer.concat([before, piece, piece, after]);
    case 4:
      return Buffer.from(before);
    case 5:
      return Buffer.concat([before, Buffer.from(ODD[random.integer(ODD.length)]!), after]);
    default:
      return withOddValue(bytes, at, random);
  }
}

/** Replaces the next number or text of a text file by an odd value. */
function withOddValue(bytes: Buffer, at: number, random: Random): Buffer {
  const text = bytes.toString('latin1');
  const value = /-?\d+(?:\.\d+)?|"[^"\n]*"/g;
  value.lastIndex = at;
  const found = value.exec(text);
  if (found === null) return bytes;
  const odd = Buffer.from(ODD[random.integer(ODD.length)]!).toString('latin1');
  return Buffer.from(text.slice(0, found.index) + odd + text.slice(value.lastIndex), 'latin1');
}
