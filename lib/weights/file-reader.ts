import {type FileHandle, open} from 'node:fs/promises';
import {crc32} from 'node:zlib';
import {invalidCheckpoint} from './invalid-checkpoint.js';

/** The event loop runs between chunks. A checksum over this many bytes takes a few milliseconds. */
const chunkBytes = 4 << 20;

export type ReadOptions = {
  signal?: AbortSignal | undefined;
  /** Allocates memory for tensors. The length is at least 1. Default: a new Uint8Array. */
  allocate?: ((length: number) => Uint8Array) | undefined;
};

/**
 * Reads byte ranges of a weights file. A read beyond its end throws INVALID_CHECKPOINT, which says what was to be read.
 */
export class FileReader {
  private constructor(
    private readonly handle: FileHandle,
    readonly file: string,
    readonly size: number,
    private readonly options: ReadOptions,
  ) {}

  static async open(file: string, options: ReadOptions = {}): Promise<FileReader> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(file, 'r');
      const stats = await handle.stat();
      if (stats.isFile()) return new FileReader(handle, file, stats.size, options);
    } catch (error) {
      await handle?.close();
      throw invalidCheckpoint(file, `could not be opened: ${(error as Error).message}`, undefined, error);
    }
    await handle.close();
    throw invalidCheckpoint(file, 'is not a file');
  }

  async read(offset: number, length: number, what: string): Promise<Buffer> {
    this.requireInside(offset, length, what);
    const bytes = Buffer.allocUnsafeSlow(length);
    await this.readInto(bytes, offset, what);
    return bytes;
  }

  /** Allocates memory for the `length` bytes of a tensor. */
  allocate(length: number): Uint8Array {
    return length > 0 && this.options.allocate ? this.options.allocate(length) : new Uint8Array(length);
  }

  /** Fills `target` with the bytes from `offset` on. Resolves to their CRC-32 if `checksum` is true, else to 0. */
  async readInto(target: Uint8Array, offset: number, what: string, {checksum = false} = {}): Promise<number> {
    this.requireInside(offset, target.length, what);
    let crc = 0;
    for (let done = 0; done < target.length; ) {
      this.options.signal?.throwIfAborted();
      const length = Math.min(chunkBytes, target.length - done);
      const {bytesRead} = await this.readChunk(target, done, length, offset + done);
      if (bytesRead === 0) throw invalidCheckpoint(this.file, `became shorter while ${what} was being read`);
      if (checksum) crc = crc32(target.subarray(done, done + bytesRead), crc);
      done += bytesRead;
    }
    return crc;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  private requireInside(offset: number, length: number, what: string): void {
    if (offset >= 0 && length >= 0 && offset + length <= this.size) return;
    throw invalidCheckpoint(
      this.file,
      `is truncated or corrupt: expected ${what} in bytes ${offset} to ${offset + length}, but the file has ${this.size} bytes`,
      'Copy or download it again.',
    );
  }

  private async readChunk(target: Uint8Array, start: number, length: number, position: number) {
    try {
      return await this.handle.read(target, start, length, position);
    } catch (error) {
      throw invalidCheckpoint(this.file, `could not be read: ${(error as Error).message}`, undefined, error);
    }
  }
}
