import {type ChildProcessByStdio, spawn} from 'node:child_process';
import {createInterface, type Interface} from 'node:readline';
import type {Readable, Writable} from 'node:stream';
import type {Check, Ending, Timing} from './task.js';

/** A process that waits between its runs, so that several processes can take turns. */
export class Side {
  readonly name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(name: string, command: string, args: readonly string[], threads: number, env = {}) {
    this.name = name;
    this.#child = spawn(command, args, {
      env: {...process.env, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads), ...env},
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#reader = createInterface({input: this.#child.stdout});
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Resolves after the first run, which is not timed. */
  ready(): Promise<Check> {
    return this.#read<Check>();
  }

  async run(): Promise<number> {
    this.#child.stdin.write('run\n');
    return (await this.#read<Timing>()).seconds;
  }

  /** Ends the process. Resolves to its peak memory in MiB. */
  async end(): Promise<number> {
    this.#child.stdin.end();
    return (await this.#read<Ending>()).peakMiB;
  }

  async #read<T>(): Promise<T> {
    const {value, done} = await this.#lines.next();
    if (done) throw new Error(`${this.name} ended before it was done`);
    return JSON.parse(value) as T;
  }
}
