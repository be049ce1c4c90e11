import {MaskRcnnError} from '../basics/errors.js';
import {usableCpus} from './cpus.js';

/** The most threads that a model takes. */
export const MOST_THREADS = 4096;

/**
 * The default of the option `threads` of models, or undefined to keep libtorch's own number, `own`: MASKRCNN_THREADS;
 * else OMP_NUM_THREADS, which libtorch reads itself; else the CPUs that this process may use, if they are fewer than
 * `own`. libtorch counts cores and knows nothing of a container's quota. Throws INVALID_OPTION.
 */
export function chooseThreads(env: NodeJS.ProcessEnv, own: number, usable = usableCpus().cpus): number | undefined {
  const {MASKRCNN_THREADS: wanted, OMP_NUM_THREADS: openMp} = env;
  if (wanted) {
    const threads = Number(wanted);
    if (Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS) return threads;
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `The environment variable MASKRCNN_THREADS must be an integer in 1..${MOST_THREADS}, got '${wanted}'.`,
    );
  }
  return openMp || usable >= own ? undefined : usable;
}
