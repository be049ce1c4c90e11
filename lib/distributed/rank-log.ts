import {appendFile, mkdir} from 'node:fs/promises';
import {join} from 'node:path';

/**
 * The log of a process other than rank 0, RUN/ranks/rank-N.log: on a terminal it would disturb that of rank 0.
 * What is written before the folder is known is kept until then.
 */
export class RankLog {
  readonly #rank: number;
  #written = '';
  #file: string | undefined;
  /** Whether it cannot be written. */
  #isLost = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(rank: number) {
    this.#rank = rank;
  }

  write(text: string): void {
    if (this.#isLost) return;
    this.#written += text;
    this.#flush();
  }

  /** From now on, everything goes to the folder of the run. If that cannot be, it is told, and the run goes on. */
  async openIn(folder: string): Promise<void> {
    const ranks = join(folder, 'ranks');
    const file = join(ranks, `rank-${this.#rank}.log`);
    try {
      await mkdir(ranks, {recursive: true});
      await appendFile(file, '');
    } catch (error) {
      this.#isLost = true;
      this.#written = '';
      process.stderr.write(`There is no log of rank ${this.#rank}: ${(error as Error).message}\n`);
      return;
    }
    this.#file = file;
    this.#flush();
  }

  /** Waits until everything is written. */
  async close(): Promise<void> {
    await this.#writing;
  }

  #flush(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#writing = this.#writing.then(async () => {
      const text = this.#written;
      this.#written = '';
      // A log that cannot be written must not end the run.
      if (text !== '') await appendFile(file, text).catch(() => {});
    });
  }
}
