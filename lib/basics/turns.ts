/** How long a piece of work may hold the event loop, in milliseconds. */
const TURN = 10;

/** Calls `resolve` after the event loop has run. Browsers have no setImmediate. */
const soon: (resolve: () => void) => void = typeof setImmediate === 'function' ? setImmediate : setTimeout;

/** The end of the queue for the next turns. */
let last: Promise<void> = Promise.resolve();

/**
 * Divides long work into turns of 10 ms, between which the event loop runs. All works of the process wait in one queue,
 * so that several at a time do not add up to one long hold. Call `isOver()` often, and wait for `next()` when it says
 * so.
 */
export class Turn {
  // The first turn waits too: the work often starts in a callback that other works share.
  #end = 0;

  isOver(): boolean {
    return performance.now() >= this.#end;
  }

  async next(): Promise<void> {
    last = last.then(() => new Promise<void>(soon));
    await last;
    this.#end = performance.now() + TURN;
  }
}

/** The result of work that yields often, between any two turns of which the event loop runs. */
export async function runInTurns<Result>(
  work: Generator<void, Result, undefined>,
  turn: Turn = new Turn(),
): Promise<Result> {
  for (;;) {
    if (turn.isOver()) await turn.next();
    const {done, value} = work.next();
    if (done) return value;
  }
}

/** The number of pixels between two looks at the clock: a fraction of a millisecond. */
const PART = 1 << 16;

/**
 * Calls `part(from, to)` for 0..length, part after part, in turns. Pass one `turn` for many short works, so that each
 * does not wait for a turn of its own.
 */
export async function inTurns(
  length: number,
  part: (from: number, to: number) => void,
  turn: Turn = new Turn(),
  size: number = PART,
): Promise<void> {
  for (let from = 0; from < length; from += size) {
    if (turn.isOver()) await turn.next();
    part(from, Math.min(length, from + size));
  }
}

/** As `inTurns`, for the rows of an image: calls `row(y)` for each. */
export async function rowsInTurns(
  width: number,
  height: number,
  row: (y: number) => void,
  turn: Turn = new Turn(),
): Promise<void> {
  const rows = (from: number, to: number) => {
    for (let y = from; y < to; y++) row(y);
  };
  await inTurns(height, rows, turn, Math.max(1, Math.floor(PART / width)));
}

/** What `work` makes of each item, in turns. */
export async function mapInTurns<T, Result>(
  items: readonly T[],
  work: (item: T, index: number) => Result,
): Promise<Result[]> {
  const turn = new Turn();
  const results: Result[] = [];
  for (const [index, item] of items.entries()) {
    if (turn.isOver()) await turn.next();
    results.push(work(item, index));
  }
  return results;
}
