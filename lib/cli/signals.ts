import {constants} from 'node:os';
import {isStartedRank} from '../distributed/local-workers.js';

/** Ctrl-C; the end that schedulers and containers ask for; the end of the terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * A terminal and npm may both pass on the same key press. Within this time it counts once. A process that `--processes`
 * has started gets it from the terminal and from the process that has started it, which may be busy.
 */
const onceMs = isStartedRank() ? 1000 : 50;

/** The exit code of `runCli()` for an interruption. */
const INTERRUPTED = 130;

export type Interruptions = {
  /** Aborted by the first signal to the process. */
  signal: AbortSignal;
  /** The code to exit with when `runCli()` has resolved to `code`: 130 becomes that of the signal that came. */
  exitCode: (code: number) => number;
};

/** Lets the first signal interrupt the command, which may finish and save its work. A second one ends it at once. */
export function listenForSignals(): Interruptions {
  const controller = new AbortController();
  let first: {name: (typeof SIGNALS)[number]; at: number} | undefined;
  const interrupt = (name: (typeof SIGNALS)[number]) => {
    if (first === undefined) {
      first = {name, at: performance.now()};
      controller.abort();
      return;
    }
    if (performance.now() - first.at < onceMs) return;
    for (const other of SIGNALS) process.removeListener(other, interrupt);
    process.kill(process.pid, name);
  };
  for (const name of SIGNALS) process.on(name, interrupt);
  return {
    signal: controller.signal,
    exitCode: (code) => (code === INTERRUPTED && first ? 128 + constants.signals[first.name] : code),
  };
}
