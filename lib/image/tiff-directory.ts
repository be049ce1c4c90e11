/** Writes directories of TIFF (6.0, section 2) and BigTIFF (Aware Systems, 2011): the entries of a page. */

/** Types of values, by their numbers in TIFF. Those of offsets are `LONG`, in BigTIFF `LONG8`. */
export const [ASCII, SHORT, LONG, LONG8] = [2, 3, 4, 16] as const;

const BYTES = {[ASCII]: 1, [SHORT]: 2, [LONG]: 4, [LONG8]: 8} as const;

/** An entry: its tag, the type of its values, and these. */
export type DirectoryEntry = readonly [tag: number, type: keyof typeof BYTES, values: ArrayLike<number>];

/** The entry of a text, in UTF-8. */
export function textEntry(tag: number, text: string): DirectoryEntry {
  return [tag, ASCII, Buffer.from(`${text}\0`)];
}

/** The bytes at the beginning of a file, which say where its first directory is. */
export function tiffHeader(directory: number, {big = false} = {}): Buffer {
  const header = Buffer.alloc(big ? 16 : 8);
  header.write('II', 0, 'latin1');
  header.writeUInt16LE(big ? 43 : 42, 2);
  if (big) {
    header.writeUInt16LE(8, 4); // bytes of an offset
    header.writeBigUInt64LE(BigInt(directory), 8);
  } else header.writeUInt32LE(directory, 4);
  return header;
}

/**
 * A directory for byte `at` of a file, and behind it the values that do not fit into it. It is the last of its chain.
 * `entries` are in the order of their tags. The length is even.
 */
export function directoryAt(at: number, entries: readonly DirectoryEntry[], {big = false} = {}): Buffer {
  const [countBytes, entryBytes, fieldBytes] = big ? [8, 20, 8] : [2, 12, 4];
  const directory = Buffer.alloc(countBytes! + entryBytes! * entries.length + fieldBytes!);
  const behind: Buffer[] = [];
  let end = at + directory.length;
  const write = (bytes: Buffer, value: number, offset: number, size: number) => {
    if (size === 8) bytes.writeBigUInt64LE(BigInt(value), offset);
    else bytes.writeUIntLE(value, offset, size);
  };
  write(directory, entries.length, 0, countBytes!);
  for (const [i, [tag, type, values]] of entries.entries()) {
    const entry = countBytes! + entryBytes! * i;
    const size = BYTES[type];
    const packed = Buffer.alloc(Math.max(fieldBytes!, size * values.length));
    for (let j = 0; j < values.length; j++) write(packed, values[j]!, size * j, size);
    directory.writeUInt16LE(tag, entry);
    directory.writeUInt16LE(type, entry + 2);
    write(directory, values.length, entry + 4, fieldBytes!);
    const field = entry + 4 + fieldBytes!;
    if (packed.length === fieldBytes) {
      packed.copy(directory, field);
      continue;
    }
    write(directory, end, field, fieldBytes!);
    // What follows begins at an even byte.
    const padded = packed.length % 2 === 0 ? packed : Buffer.concat([packed, Buffer.alloc(1)]);
    behind.push(padded);
    end += padded.length;
  }
  return Buffer.concat([directory, ...behind]);
}
