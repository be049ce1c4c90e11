import {createHash, type Hash} from 'node:crypto';
import {type FileHandle, open, stat} from 'node:fs/promises';

/** Bytes that are read and hashed at a time: some milliseconds of work. */
const PART = 1 << 20;

/** The size of a file in bytes; undefined if it cannot be found. */
export async function sizeOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({size}) => size,
    () => undefined,
  );
}

/** SHA-256 of a file's content in base64; undefined if it cannot be read. Throws the signal's reason. */
export async function contentDigest(file: string, signal?: AbortSignal): Promise<string | undefined> {
  return digest(file, async (handle, size, hash) => {
    // Faster than a stream for many small files.
    const buffer = Buffer.alloc(Math.min(PART, size + 1));
    for (;;) {
      signal?.throwIfAborted();
      const {bytesRead} = await handle.read(buffer);
      if (bytesRead === 0) return;
      hash.update(buffer.subarray(0, bytesRead));
    }
  }).finally(() => signal?.throwIfAborted());
}

/**
 * SHA-256 in base64 of the `length` bytes in the middle of a file, or of all if there are fewer; undefined if it cannot
 * be read.
 */
export async function middleDigest(file: string, length: number): Promise<string | undefined> {
  return digest(file, async (handle, size, hash) => {
    const buffer = Buffer.alloc(Math.min(length, size));
    await handle.read(buffer, 0, buffer.length, Math.floor((size - buffer.length) / 2));
    hash.update(buffer);
  });
}

async function digest(
  file: string,
  add: (handle: FileHandle, size: number, hash: Hash) => Promise<void>,
): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    const handle = await open(file);
    try {
      await add(handle, (await handle.stat()).size, hash);
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
  return hash.digest('base64');
}
