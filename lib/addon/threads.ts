import {MaskRcnnError} from '../basics/errors.js';
import {usableCpus} from './cpus.js';

/** The most threads that a model takes. */
export const MOST_THREADS = 4096;

/**
 * The default of the option `threads` of models, or undefined to keep libtorch's own number, `own`: MASKRCNN_THREADS;
 * else OMP_NUM_THREADS, which libtorch reads itself; else the CPUs that this process may use, if they are fewer than
 * `own`. libtorch counts cores and knows nothing of a container's quota. The processes of a group on one machine, as
 * LOCAL_WORLD_SIZE says, share its CPUs. torchrun then sets OMP_NUM_THREADS to 1 where it is not set, which is not the
 * user's wish. Throws INVALID_OPTION.
 */
export function chooseThreads(env: NodeJS.ProcessEnv, own: number, usable = usableCpus().cpus): number | undefined {
  const {MASKRCNN_THREADS: wanted, OMP_NUM_THREADS: openMp, LOCAL_WORLD_SIZE, TORCHELASTIC_RUN_ID} = env;
  if (wanted) {
    const threads = Number(wanted);
    if (Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS) return threads;
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `The environment variable MASKRCNN_THREADS must be an integer in 1..${MOST_THREADS}, got '${wanted}'.`,
    );
  }
  const beside = Number(LOCAL_WORLD_SIZE);
  const isOfTorchrun = openMp === '1' && TORCHELASTIC_RUN_ID !== undefined;
  if (beside > 1 && (!openMp || isOfTorchrun)) return Math.max(1, Math.floor(usable / beside));
  return openMp || usable >= own ? undefined : usable;
}
