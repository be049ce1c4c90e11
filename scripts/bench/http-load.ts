/** How requests come: each of several askers after its last answer, or at a fixed rate, whatever the answers do. */
export type Load = {connections: number} | {perSecond: number};

/** What came back. Times are in seconds, of answers with status 200, ascending. */
export type LoadResult = {
  seconds: number;
  times: number[];
  /** Number of answers by status. */
  statuses: Record<number, number>;
  /** Requests without an answer. */
  unanswered: number;
};

/**
 * Sends `bodies` in turn to `url` for some seconds, then waits for all answers. At a fixed rate, the time of a request
 * counts from the moment when it was due, so that a slow server cannot hide that others had to wait.
 */
export async function sendLoad(
  url: string,
  bodies: readonly Uint8Array[],
  load: Load,
  seconds: number,
): Promise<LoadResult> {
  const result: LoadResult = {seconds: 0, times: [], statuses: {}, unanswered: 0};
  const began = performance.now();
  const end = began + 1000 * seconds;
  let sent = 0;
  const ask = async (due: number) => {
    const body = bodies[sent++ % bodies.length]! as Uint8Array<ArrayBuffer>;
    try {
      const response = await fetch(url, {method: 'POST', body});
      await response.arrayBuffer();
      result.statuses[response.status] = (result.statuses[response.status] ?? 0) + 1;
      if (response.status === 200) result.times.push((performance.now() - due) / 1000);
    } catch {
      result.unanswered++;
    }
  };
  if ('connections' in load) {
    const asker = async () => {
      while (performance.now() < end) await ask(performance.now());
    };
    await Promise.all(Array.from({length: load.connections}, asker));
  } else {
    const asked: Promise<void>[] = [];
    for (let due = began; due < end; due += 1000 / load.perSecond) {
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      asked.push(ask(due));
    }
    await Promise.all(asked);
  }
  result.seconds = (performance.now() - began) / 1000;
  result.times.sort((a, b) => a - b);
  return result;
}

/** The value that `share` of the ascending `values` do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  return values[Math.min(values.length - 1, Math.ceil(share * values.length) - 1)] ?? Number.NaN;
}
