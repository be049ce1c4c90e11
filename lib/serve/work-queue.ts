import {count} from '../basics/wording.js';
import {Problem} from './problem.js';

/** How much a new duration counts in the mean: about the last ten. */
const SHARE = 0.2;

type Waiting = {start: () => void; give: (reason: unknown) => void};

/**
 * Runs a few works at a time, in the order in which they came. Others wait, a bounded number of them. A work whose
 * signal is aborted while it waits is not begun; one that runs keeps its place until it has ended, though nobody waits
 * for it any more.
 */
export class WorkQueue {
  readonly #atATime: number;
  readonly #most: number;
  readonly #mostSeconds: number;
  readonly #waiting = new Set<Waiting>();
  #running = 0;
  /** Mean seconds from one end of a work to the next, while others wait. */
  #secondsEach = 1;
  #lastEnd = 0;

  /**
   * `atATime` works run, and at most `most` wait, fewer if the last of them would probably end later than after
   * `mostSeconds`.
   */
  constructor({atATime, most, mostSeconds = Infinity}: {atATime: number; most: number; mostSeconds?: number}) {
    this.#atATime = atATime;
    this.#most = most;
    this.#mostSeconds = mostSeconds;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get running(): number {
    return this.#running;
  }

  get isFull(): boolean {
    if (this.#running < this.#atATime) return false;
    return this.#waiting.size >= this.#most || this.#secondsToEnd(this.#waiting.size + 1) > this.#mostSeconds;
  }

  /** When all that run and `waiting` others will probably have ended. */
  #secondsToEnd(waiting: number): number {
    return this.#secondsEach * (waiting + this.#running);
  }

  /** Throws QUEUE_FULL if no more may wait. */
  requireRoom(): void {
    if (!this.isFull) return;
    const seconds = Math.max(1, Math.ceil(this.#secondsToEnd(this.#waiting.size)));
    throw new Problem(
      429,
      'QUEUE_FULL',
      `${count(this.#waiting.size, 'request is', 'requests are')} waiting already.`,
      {
        hint: `Try again in ${seconds} s.`,
        headers: {'retry-after': String(seconds)},
      },
    );
  }

  /** What `work` gives. Throws QUEUE_FULL, or the reason of `signal` as soon as it is aborted. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    this.requireRoom();
    signal.throwIfAborted();
    await this.#turn(signal);
    const done = work().finally(() => this.#end());
    done.catch(() => {}); // if nobody waits any more
    return orAborted(done, signal);
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (this.#running < this.#atATime) {
      this.#running++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = () => waiting.give(signal.reason);
      const waiting: Waiting = {
        start: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
        give: (reason) => {
          this.#waiting.delete(waiting);
          reject(reason);
        },
      };
      signal.addEventListener('abort', leave, {once: true});
      this.#waiting.add(waiting);
    });
  }

  #end(): void {
    const now = performance.now();
    const [next] = this.#waiting;
    // Between two ends of a busy queue lies the time of one work.
    if (next !== undefined && this.#lastEnd > 0) {
      this.#secondsEach += SHARE * ((now - this.#lastEnd) / 1000 - this.#secondsEach);
    }
    this.#lastEnd = next === undefined ? 0 : now;
    if (next === undefined) {
      this.#running--;
      return;
    }
    this.#waiting.delete(next);
    next.start();
  }
}

/** What `done` gives, or the reason of `signal` if that comes first. Leaves no listener behind. */
function orAborted<T>(done: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = () => reject(signal.reason);
    if (signal.aborted) return give();
    signal.addEventListener('abort', give, {once: true});
    done.then(resolve, reject).finally(() => signal.removeEventListener('abort', give));
  });
}
