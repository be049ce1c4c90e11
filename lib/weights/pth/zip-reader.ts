import {Readable} from 'node:stream';
import {buffer} from 'node:stream/consumers';
import {crc32} from 'node:zlib';
import {type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile} from 'yauzl';
import {MaskRcnnError} from '../../basics/errors.js';
import type {FileReader} from '../file-reader.js';
import {invalidCheckpoint} from '../invalid-checkpoint.js';

/** The zip archive that torch.save writes. Most of its entries are stored, not compressed. */
export class Zip {
  private constructor(
    private readonly reader: FileReader,
    private readonly zip: ZipFile,
    readonly entries: ReadonlyMap<string, Entry>,
  ) {}

  static async open(reader: FileReader): Promise<Zip> {
    return naming(reader.file, async () => {
      const options = {autoClose: false, decodeStrings: false};
      const zip = await fromRandomAccessReaderPromise(new Source(reader), reader.size, options);
      const entries = new Map<string, Entry>();
      for await (const entry of zip.eachEntry()) entries.set(String(entry.fileName), entry);
      return new Zip(reader, zip, entries);
    });
  }

  /** The position in the file where the bytes of a stored entry begin. */
  async locate(entry: Entry): Promise<number> {
    return naming(this.reader.file, async () => {
      if (entry.isEncrypted()) throw new Error(`its entry ${entry.fileName} needs a password`);
      return (await this.zip.readLocalFileHeaderPromise(entry, {minimal: true})).fileDataStart;
    });
  }

  /** Reads all bytes of an entry and inflates them if necessary. Throws if there are more than `limit`. */
  async read(entry: Entry, limit: number): Promise<Buffer> {
    const {file} = this.reader;
    const name = String(entry.fileName);
    const size = entry.uncompressedSize;
    if (size > limit)
      throw invalidCheckpoint(file, `claims ${size} bytes for its entry ${name}, more than the ${limit} it may have`);
    const bytes = await naming(file, async () => buffer(await this.zip.openReadStreamPromise(entry)));
    // The checksum is 0 if the writer computed none: torch.serialization.set_crc32_options(False)
    if (entry.crc32 !== 0 && crc32(bytes) !== entry.crc32) throw corruptEntry(file, name);
    return bytes;
  }
}

export function corruptEntry(file: string, name: string) {
  return invalidCheckpoint(
    file,
    `is corrupt: the bytes of its entry ${name} do not match their checksum`,
    'Copy or download it again.',
  );
}

/** Lets yauzl read a file. A read beyond the end throws an error that names the file. */
class Source extends RandomAccessReader {
  constructor(private readonly reader: FileReader) {
    super();
  }

  override read(target: Buffer, offset: number, length: number, position: number, done: (error: Error | null) => void) {
    const part = target.subarray(offset, offset + length);
    this.reader.readInto(part, position, 'the zip archive').then(() => done(null), done);
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const {reader} = this;
    return Readable.from(
      (async function* () {
        yield await reader.read(start, end - start, 'a zip entry');
      })(),
    );
  }
}

/** Converts the errors of yauzl to INVALID_CHECKPOINT, which names the file. */
async function naming<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MaskRcnnError) throw error;
    throw invalidCheckpoint(
      file,
      `is truncated or corrupt, or no zip archive that can be read: ${(error as Error).message}`,
      'Copy or download it again.',
      error,
    );
  }
}
