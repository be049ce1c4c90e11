import {existsSync} from 'node:fs';
import {type FileHandle, mkdir, open, readFile, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {MaskRcnnError} from '../../basics/errors.js';
import {removeAbandoned, writeAll, writeAtomically} from '../../files/atomic-file.js';
import {describeHolder, FileLock} from '../../files/file-lock.js';
import {ANY, requireSameKey, type WorkKey} from '../../files/work-key.js';
import {writing} from '../../files/writing.js';
import type {TileState} from './tile-state.js';
import type {TiledObject} from './tiled-object.js';

const OBJECTS = 'objects.jsonl';
const STATE = 'state.json';
const WRITTEN = 'written.jsonl';
const LOCK = 'lock';

/** How many tiles an image had, and how many of them were left out because nothing is in them. */
export type TileTally = {tiles: number; blank: number};

/** Where the work was when its state was written. */
type Checkpoint = {
  key: WorkKey;
  /** Bytes of the file of objects that belong to this state. What follows them is found again. */
  bytes: number;
  objects: number;
  /** Null when all tiles are done. */
  state: TileState | null;
  /** Counts of the tiles, when all are done. */
  tally?: TileTally;
  /** What the files were made with that were written of the objects, which are no longer kept then. */
  written?: WorkKey;
};

/**
 * The objects of an image that were found so far, in a folder of their own: a line of JSON for each object, and where
 * the work was. A process that is killed loses what it found since the last checkpoint, which another one finds again.
 */
export class TileJournal {
  readonly #folder: string;
  #key: WorkKey;
  readonly #file: FileHandle;
  readonly #lock: FileLock;
  #bytes: number;
  #objects: number;
  #tally: TileTally | undefined;
  #isDone: boolean;
  #written: WorkKey | undefined;
  /** From where to go on. Undefined at the beginning, and when all is done. */
  readonly from: TileState | undefined;
  /** The end of the queue of writes. */
  #last: Promise<void> = Promise.resolve();

  private constructor(
    folder: string,
    key: WorkKey,
    {file, lock}: {file: FileHandle; lock: FileLock},
    {bytes, objects, state, tally, written}: Partial<Checkpoint>,
  ) {
    this.#tally = tally;
    this.#written = written;
    this.#lock = lock;
    this.#folder = folder;
    this.#key = key;
    this.#file = file;
    this.#bytes = bytes ?? 0;
    this.#objects = objects ?? 0;
    this.#isDone = state === null;
    this.from = state ?? undefined;
  }

  /**
   * Opens the journal in `folder`, to go on with what is there. Throws INVALID_OPTION if that is of another `key`, and
   * names the difference; BUSY if another process writes it; WRITE_FAILED.
   */
  static async open(folder: string, key: WorkKey): Promise<TileJournal> {
    await writing(folder, () => mkdir(folder, {recursive: true}));
    const lock = await acquire(folder);
    try {
      return await TileJournal.#open(folder, key, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  static async #open(folder: string, key: WorkKey, lock: FileLock): Promise<TileJournal> {
    const was = await readCheckpoint(folder);
    if (was !== undefined) requireSameKey(was.key, key, folder);
    const path = join(folder, OBJECTS);
    await removeAbandoned(join(folder, STATE));
    await removeAbandoned(join(folder, WRITTEN));
    const file = await writing(path, () => open(path, was === undefined ? 'w+' : 'r+'));
    const {size} = await file.stat();
    if (was !== undefined && size < was.bytes) {
      await file.close();
      const message = `${path} must have at least ${was.bytes} bytes, got ${size}: it was changed or is damaged.`;
      throw new MaskRcnnError('INVALID_OPTION', message, {file: path, hint: 'Begin anew with --overwrite.'});
    }
    await writing(path, () => file.truncate(was?.bytes ?? 0));
    return new TileJournal(folder, key, {file, lock}, was ?? {});
  }

  /** Whether something was begun in `folder`. */
  static async isThere(folder: string): Promise<boolean> {
    return (await readCheckpoint(folder)) !== undefined;
  }

  /** Removes what is in `folder`, if it is there. Throws BUSY if another process writes it; WRITE_FAILED. */
  static async remove(folder: string): Promise<void> {
    if (!existsSync(folder)) return;
    const lock = await acquire(folder);
    await writing(folder, () => rm(folder, {recursive: true, force: true}));
    await lock.release();
  }

  /** Whether all tiles were done. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** What the files of the image were made with, if all of them are written. See `finish()`. */
  get written(): WorkKey | undefined {
    return this.#written;
  }

  /** The number of objects. */
  get objects(): number {
    return this.#objects;
  }

  /** Counts of the tiles; undefined before all are done. */
  get tally(): TileTally | undefined {
    return this.#tally;
  }

  /** From the next save on, work may go on with other values of these names. */
  allowAny(names: readonly string[]): void {
    this.#key = {...this.#key, ...Object.fromEntries(names.map((name) => [name, ANY]))};
  }

  /**
   * Appends objects, and then remembers the state after them; null: all tiles are done, with their `tally`. Throws
   * WRITE_FAILED.
   */
  async save(objects: readonly TiledObject[], state: TileState | null, tally?: TileTally): Promise<void> {
    const lines = Buffer.from(objects.map((object) => `${JSON.stringify(object)}\n`).join(''));
    const before = this.#last;
    this.#tally = tally;
    this.#last = this.#save(before, lines, objects.length, state);
    return this.#last;
  }

  async #save(before: Promise<void>, lines: Uint8Array, objects: number, state: TileState | null): Promise<void> {
    await before;
    const path = join(this.#folder, OBJECTS);
    await writing(path, async () => {
      for (let done = 0; done < lines.length; ) {
        const {bytesWritten} = await this.#file.write(lines, done, lines.length - done, this.#bytes + done);
        done += bytesWritten;
      }
      await this.#file.datasync(); // the state must not say more than the disk has
    });
    this.#bytes += lines.length;
    this.#objects += objects;
    await this.#remember({state});
    this.#isDone = state === null;
  }

  /**
   * Remembers that all files of the image are written, `made` as it says, and what else is to be known of the image, as
   * lines of text. The objects are no longer needed, and removed. Throws WRITE_FAILED.
   */
  async finish(made: WorkKey, lines: Iterable<string>): Promise<void> {
    await this.#last;
    await writeAtomically(join(this.#folder, WRITTEN), async (file) => {
      for (const line of lines) await writeAll(file, Buffer.from(`${line}\n`));
    });
    this.#bytes = 0;
    this.#written = made;
    await this.#remember({state: null, written: made});
    await writing(this.#folder, () => this.#file.truncate(0));
  }

  /** Begins anew after `finish()`. */
  async restart(): Promise<void> {
    await writing(this.#folder, () => rm(join(this.#folder, STATE)));
    this.#written = undefined;
    this.#isDone = false;
    this.#objects = 0;
  }

  async #remember(standing: Pick<Checkpoint, 'state' | 'written'>): Promise<void> {
    const counts = {bytes: this.#bytes, objects: this.#objects, ...(this.#tally && {tally: this.#tally})};
    const checkpoint: Checkpoint = {key: this.#key, ...counts, ...standing};
    await writeAtomically(join(this.#folder, STATE), (file) => writeAll(file, Buffer.from(JSON.stringify(checkpoint))));
  }

  /** The objects, in the order in which they were found. */
  async *read(): AsyncGenerator<TiledObject> {
    await this.#last;
    if (this.#bytes === 0) return;
    for await (const line of linesOf(join(this.#folder, OBJECTS), this.#bytes)) yield JSON.parse(line) as TiledObject;
  }

  /** The lines that `finish()` was given; none if their file is gone. */
  async *lines(): AsyncGenerator<string> {
    const path = join(this.#folder, WRITTEN);
    if (existsSync(path)) yield* linesOf(path);
  }

  /** Closes the files, which stay. */
  async close(): Promise<void> {
    await this.#last.catch(() => {}); // save() has told it
    await this.#file.close();
    await this.#lock.release();
  }
}

/** The lines of a file, of its first `bytes` bytes if that is given. */
async function* linesOf(path: string, bytes?: number): AsyncGenerator<string> {
  const file = await open(path);
  try {
    const input = file.createReadStream({...(bytes !== undefined && {end: bytes - 1}), autoClose: false});
    yield* createInterface({input, crlfDelay: Infinity});
  } finally {
    await file.close();
  }
}

async function acquire(folder: string): Promise<FileLock> {
  const lock = await writing(folder, () => FileLock.tryAcquire(join(folder, LOCK)));
  if (lock instanceof FileLock) return lock;
  throw new MaskRcnnError('BUSY', `${folder} is in use by ${describeHolder(lock.holder)}.`, {
    file: folder,
    hint: 'Wait for it, or write to another folder.',
  });
}

/** The last checkpoint. Undefined if there is none: the state is written as a whole or not at all. */
async function readCheckpoint(folder: string): Promise<Checkpoint | undefined> {
  const path = join(folder, STATE);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new MaskRcnnError('INVALID_OPTION', `${path} cannot be read: ${error.message}.`, {file: path, cause: error});
  });
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Checkpoint;
  } catch (cause) {
    const message = `${path} is not the state of a prediction: it was changed or is damaged.`;
    throw new MaskRcnnError('INVALID_OPTION', message, {file: path, hint: 'Remove it to begin anew.', cause});
  }
}
