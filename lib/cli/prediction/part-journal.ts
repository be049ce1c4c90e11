import {createReadStream} from 'node:fs';
import {type FileHandle, mkdir, open, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {MaskRcnnError} from '../../basics/errors.js';
import {describeHolder, FileLock} from '../../files/file-lock.js';
import type {WorkKey} from '../../files/work-key.js';
import {writing} from '../../files/writing.js';
import {type ImageRecord, type JsonRecord, recordFromJson, recordToJson} from './image-record.js';
import type {PredictionOutput} from './output-files.js';
import type {Shard} from './shard.js';

/** The file in the folder of a part. */
export const JOURNAL = 'part.jsonl';
const LOCK = 'part.lock';

/** What a part is: the first line of its journal. */
export type PartHead = {
  shard: Shard;
  /** What must be the same in all parts, and in a part that goes on. */
  key: WorkKey;
  /** The number of images in all parts. */
  images: number;
  classes: readonly string[];
  output: Omit<PredictionOutput, 'folder' | 'overwrite'>;
};

/**
 * What became of an image: a line of the journal. `index` counts the images of all parts, from 0. The date and the size
 * of the image file tell whether it has changed since.
 */
type Line = {index: number} & ((Stamp & {record: JsonRecord}) | FailedImage);

type Stamp = {date: number; bytes: number};

/** An image of which nothing was written, and why. */
export type FailedImage = {failed: string; file: string};

/** Where the line of an image is: its first byte and the one after its last. Without a stamp the image has failed. */
type Place = {from: number; to: number; stamp: Stamp | undefined};

/**
 * What was found on the images of a part so far, in a file of its folder. It serves to go on after an interruption, and
 * to join the parts. Each line is JSON; a line that was cut off is found again.
 */
export class PartJournal {
  readonly folder: string;
  readonly head: PartHead;
  readonly #file: FileHandle;
  readonly #lock: FileLock;
  readonly #lines: Map<number, Place>;
  #end: number;

  private constructor(
    folder: string,
    head: PartHead,
    {file, lock}: {file: FileHandle; lock: FileLock},
    {lines, end}: {lines: Map<number, Place>; end: number},
  ) {
    this.folder = folder;
    this.head = head;
    this.#file = file;
    this.#lock = lock;
    this.#lines = lines;
    this.#end = end;
  }

  /** Whether a part was begun in `folder`. */
  static async isThere(folder: string): Promise<boolean> {
    const there = await stat(join(folder, JOURNAL)).catch(() => undefined);
    return there?.isFile() ?? false;
  }

  /** Begins a journal, in place of one that is there. Throws BUSY if another process writes it; WRITE_FAILED. */
  static async begin(folder: string, head: PartHead): Promise<PartJournal> {
    await writing(folder, () => mkdir(folder, {recursive: true}));
    const lock = await acquire(folder);
    try {
      const path = join(folder, JOURNAL);
      const line = Buffer.from(`${JSON.stringify(head)}\n`);
      const file = await writing(path, () => open(path, 'w+'));
      await writing(path, () => file.write(line));
      return new PartJournal(folder, head, {file, lock}, {lines: new Map(), end: line.length});
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Opens what is in `folder`. Throws BUSY if another process writes it; INVALID_OPTION if it is damaged. */
  static async open(folder: string): Promise<PartJournal> {
    const path = join(folder, JOURNAL);
    const lock = await acquire(folder);
    try {
      const {head, ...found} = await scan(path);
      const file = await writing(path, () => open(path, 'r+'));
      await writing(path, () => file.truncate(found.end));
      return new PartJournal(folder, head, {file, lock}, found);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** How many images of the part it has. */
  get length(): number {
    return this.#lines.size;
  }

  /** How many images the part has. */
  get images(): number {
    const {images, shard} = this.head;
    return Math.floor((images - shard.number) / shard.of) + 1;
  }

  /** Whether the objects of an image are there, and the image has not changed since. */
  async isDone(index: number, file: string): Promise<boolean> {
    const stamp = this.#lines.get(index)?.stamp;
    if (stamp === undefined) return false;
    const now = await stampOf(file);
    return now.date === stamp.date && now.bytes === stamp.bytes;
  }

  /** What became of an image; undefined if it is not there yet. */
  async read(index: number): Promise<ImageRecord | FailedImage | undefined> {
    const place = this.#lines.get(index);
    if (place === undefined) return undefined;
    const bytes = Buffer.alloc(place.to - place.from);
    for (let done = 0; done < bytes.length; ) {
      const {bytesRead} = await this.#file.read(bytes, done, bytes.length - done, place.from + done);
      if (bytesRead === 0) throw damaged(join(this.folder, JOURNAL));
      done += bytesRead;
    }
    const line = JSON.parse(bytes.toString()) as Line;
    return 'failed' in line ? line : recordFromJson(line.record, this.head.classes);
  }

  /** Adds what became of an image, in place of what was there of it. Throws WRITE_FAILED. */
  async add(index: number, image: ImageRecord | FailedImage): Promise<void> {
    const stamp = 'failed' in image ? undefined : await stampOf(image.file);
    const line: Line = 'failed' in image ? {index, ...image} : {index, ...stamp!, record: recordToJson(image)};
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    const from = this.#end;
    await writing(join(this.folder, JOURNAL), async () => {
      for (let done = 0; done < bytes.length; ) {
        done += (await this.#file.write(bytes, done, bytes.length - done, from + done)).bytesWritten;
      }
    });
    this.#end += bytes.length;
    this.#lines.set(index, {from, to: this.#end, stamp});
  }

  async close(): Promise<void> {
    await this.#file.close();
    await this.#lock.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function stampOf(file: string): Promise<Stamp> {
  const there = await stat(file).catch(() => undefined);
  return {date: there?.mtimeMs ?? 0, bytes: there?.size ?? 0};
}

async function acquire(folder: string): Promise<FileLock> {
  const lock = await writing(folder, () => FileLock.tryAcquire(join(folder, LOCK)));
  if (lock instanceof FileLock) return lock;
  throw new MaskRcnnError('BUSY', `${folder} is in use by ${describeHolder(lock.holder)}.`, {
    file: folder,
    hint: 'Wait for it to end.',
  });
}

/** The beginning of the line of an image. It says what must be known without parsing the objects. */
const BEGINNING = /^\{"index":(\d+),(?:"date":([\d.]+),"bytes":(\d+),|"failed":)/;

/** Bytes in which the beginning of a line is. */
const BEGINNING_BYTES = 128;

/** Finds the whole lines of a journal. What follows them was cut off. */
async function scan(path: string): Promise<{head: PartHead; lines: Map<number, Place>; end: number}> {
  const lines = new Map<number, Place>();
  let head: PartHead | undefined;
  let [at, end] = [0, 0];
  let line: Buffer[] = [];
  const take = (to: number) => {
    const text = Buffer.concat(line);
    if (head === undefined) {
      head = parseHead(text, path);
    } else {
      const [, index, date, bytes] = BEGINNING.exec(text.toString('latin1', 0, BEGINNING_BYTES)) ?? [];
      if (index === undefined) throw damaged(path);
      const stamp = date === undefined ? undefined : {date: Number(date), bytes: Number(bytes)};
      lines.set(Number(index), {from: end, to, stamp});
    }
    end = to;
    line = [];
  };
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let newline = chunk.indexOf(10); newline >= 0; newline = chunk.indexOf(10, from)) {
      line.push(chunk.subarray(from, newline));
      take(at + newline + 1);
      from = newline + 1;
    }
    line.push(chunk.subarray(from));
    at += chunk.length;
  }
  if (head === undefined) throw damaged(path);
  return {head, lines, end};
}

function parseHead(line: Buffer, path: string): PartHead {
  try {
    const head = JSON.parse(line.toString()) as PartHead;
    if (Number.isInteger(head.shard.number) && Number.isInteger(head.images) && Array.isArray(head.classes))
      return head;
  } catch {
    // told below
  }
  throw damaged(path);
}

function damaged(path: string): MaskRcnnError {
  const message = `${path} is not the journal of a part: it was changed or is damaged.`;
  return new MaskRcnnError('INVALID_OPTION', message, {file: path, hint: 'Begin the part anew with --overwrite.'});
}
