import {existsSync} from 'node:fs';
import {type FileHandle, mkdir, open, readFile, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {MaskRcnnError} from '../../basics/errors.js';
import {removeAbandoned, writeAll, writeAtomically} from '../../files/atomic-file.js';
import {describeHolder, FileLock} from '../../files/file-lock.js';
import {writing} from '../../files/writing.js';
import type {TileState} from './tile-state.js';
import type {TiledObject} from './tiled-object.js';

const OBJECTS = 'objects.jsonl';
const STATE = 'state.json';
const LOCK = 'lock';

/** What the journal of an image is about, as flat values. A run goes on only if all of them are the same. */
export type JournalKey = Readonly<Record<string, string | number | null>>;

/** A value that equals any other. */
const ANY = '*';

/** Where the work was when its state was written. */
type Checkpoint = {
  key: JournalKey;
  /** Bytes of the file of objects that belong to this state. What follows them is found again. */
  bytes: number;
  objects: number;
  /** Null when all tiles are done. */
  state: TileState | null;
};

/**
 * The objects of an image that were found so far, in a folder of their own: a line of JSON for each object, and where
 * the work was. A process that is killed loses what it found since the last checkpoint, which another one finds again.
 */
export class TileJournal {
  readonly #folder: string;
  #key: JournalKey;
  readonly #file: FileHandle;
  readonly #lock: FileLock;
  #bytes: number;
  #objects: number;
  #isDone: boolean;
  /** From where to go on. Undefined at the beginning, and when all is done. */
  readonly from: TileState | undefined;
  /** The end of the queue of writes. */
  #last: Promise<void> = Promise.resolve();

  private constructor(
    folder: string,
    key: JournalKey,
    {file, lock}: {file: FileHandle; lock: FileLock},
    {bytes, objects, state}: Partial<Checkpoint>,
  ) {
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
  static async open(folder: string, key: JournalKey): Promise<TileJournal> {
    await writing(folder, () => mkdir(folder, {recursive: true}));
    const lock = await acquire(folder);
    try {
      return await TileJournal.#open(folder, key, lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  static async #open(folder: string, key: JournalKey, lock: FileLock): Promise<TileJournal> {
    const was = await readCheckpoint(folder);
    if (was !== undefined) requireSameKey(was.key, key, folder);
    const path = join(folder, OBJECTS);
    await removeAbandoned(join(folder, STATE));
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

  /** The number of objects. */
  get objects(): number {
    return this.#objects;
  }

  /** From the next save on, work may go on with other values of these names. */
  allowAny(names: readonly string[]): void {
    this.#key = {...this.#key, ...Object.fromEntries(names.map((name) => [name, ANY]))};
  }

  /** Appends objects, and then remembers the state after them; null: all tiles are done. Throws WRITE_FAILED. */
  async save(objects: readonly TiledObject[], state: TileState | null): Promise<void> {
    const lines = Buffer.from(objects.map((object) => `${JSON.stringify(object)}\n`).join(''));
    const before = this.#last;
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
    const checkpoint: Checkpoint = {key: this.#key, bytes: this.#bytes, objects: this.#objects, state};
    await writeAtomically(join(this.#folder, STATE), (file) => writeAll(file, Buffer.from(JSON.stringify(checkpoint))));
    this.#isDone = state === null;
  }

  /** The objects, in the order in which they were found. */
  async *read(): AsyncGenerator<TiledObject> {
    await this.#last;
    if (this.#bytes === 0) return;
    const file = await open(join(this.#folder, OBJECTS));
    try {
      const input = file.createReadStream({end: this.#bytes - 1, autoClose: false});
      for await (const line of createInterface({input, crlfDelay: Infinity})) yield JSON.parse(line) as TiledObject;
    } finally {
      await file.close();
    }
  }

  /** Closes the files, which stay. */
  async close(): Promise<void> {
    await this.#last.catch(() => {}); // save() has told it
    await this.#file.close();
    await this.#lock.release();
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

function requireSameKey(was: JournalKey | undefined, is: JournalKey, folder: string): void {
  const other = Object.keys({...was, ...is}).find((name) => was?.[name] !== is[name] && was?.[name] !== ANY);
  if (other === undefined) return;
  const shown = (value: JournalKey[string] | undefined) => (value === undefined || value === null ? 'none' : value);
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `What was begun in ${folder} had another ${other}: ${shown(was?.[other])}, now ${shown(is[other])}.`,
    {file: folder, hint: 'Go on with what it was begun with, or begin anew with --overwrite.'},
  );
}
