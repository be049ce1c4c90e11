import type {FileHandle} from 'node:fs/promises';
import {writeAll, writeAtomically} from '../files/atomic-file.js';

/** A text file that is written piece by piece. It appears under its name when it is whole. */
export class DocumentStream {
  readonly #written: Promise<void>;
  readonly #opened: Promise<FileHandle>;
  #end: (how: {failure?: unknown}) => void = () => {};
  /** The end of the queue of pieces. */
  #last: Promise<void> = Promise.resolve();

  constructor(path: string) {
    const ended = new Promise<{failure?: unknown}>((resolve) => {
      this.#end = resolve;
    });
    let opened: (file: FileHandle) => void;
    this.#opened = new Promise((resolve) => {
      opened = resolve;
    });
    this.#written = writeAtomically(path, async (file) => {
      opened(file);
      const {failure} = await ended;
      if (failure !== undefined) throw failure;
    });
    this.#written.catch(() => {}); // told by append() or close()
  }

  /** Appends text, after all that was appended before. Throws WRITE_FAILED. */
  async append(text: string): Promise<void> {
    const before = this.#last;
    this.#last = this.#append(before, text);
    return this.#last;
  }

  async #append(before: Promise<void>, text: string): Promise<void> {
    await before;
    // If the file cannot be opened, the writing has failed.
    const file = await Promise.race([this.#opened, this.#written]);
    if (file !== undefined && text !== '') await writeAll(file, Buffer.from(text));
  }

  /** Gives the file its name. Throws WRITE_FAILED. */
  async close(): Promise<void> {
    const failure = await this.#last.then(
      () => undefined,
      (error) => error,
    );
    this.#end({failure});
    await this.#written;
  }

  /** Removes what was written. */
  async abort(): Promise<void> {
    await this.#last.catch(() => {});
    this.#end({failure: new Error('aborted')});
    await this.#written.catch(() => {});
  }
}
