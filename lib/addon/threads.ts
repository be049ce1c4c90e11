import {cpus} from 'node:os';
import {MaskRcnnError} from '../basics/errors.js';
import {usableCpus} from './cpus.js';

/** The most threads that a model takes. */
export const MOST_THREADS = 4096;

/** The CPUs of this machine that matter to the number of threads. */
type Shares = {
  /** How many this process may use. */
  usable: number;
  /** Whether it may run on all CPUs of the machine, and so may others of its group. */
  isOnAll: boolean;
};

function sharesHere(): Shares {
  const {cpus: usable, present} = usableCpus();
  return {usable, isOnAll: present >= cpus().length};
}

/**
 * The default of the option `threads` of models, or undefined to keep libtorch's own number, `own`: MASKRCNN_THREADS;
 * else OMP_NUM_THREADS, which libtorch reads itself; else the CPUs that this process may use, if they are fewer than
 * `own`. libtorch counts cores and knows nothing of a container's quota. The processes of a group on one machine share
 * its CPUs. torchrun then sets OMP_NUM_THREADS to 1 where it is not set, which is not the user's wish. Throws
 * INVALID_OPTION.
 */
export function chooseThreads(env: NodeJS.ProcessEnv, own: number, here: Shares = sharesHere()): number | undefined {
  const {MASKRCNN_THREADS: wanted, OMP_NUM_THREADS: openMp, TORCHELASTIC_RUN_ID} = env;
  if (wanted) {
    const threads = Number(wanted);
    if (Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS) return threads;
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `The environment variable MASKRCNN_THREADS must be an integer in 1..${MOST_THREADS}, got '${wanted}'.`,
    );
  }
  const {usable} = here;
  const share = shareOf(env, here);
  const isOfTorchrun = openMp === '1' && TORCHELASTIC_RUN_ID !== undefined;
  if (share < usable && (!openMp || isOfTorchrun)) return share;
  return openMp || usable >= own ? undefined : usable;
}

/** How many CPUs this process may use beside the others of its group on this machine. */
function shareOf(env: NodeJS.ProcessEnv, {usable, isOnAll}: Shares): number {
  const divided = (processes: number) => (processes > 1 ? Math.max(1, Math.floor(usable / processes)) : usable);
  if (env.LOCAL_WORLD_SIZE) return divided(Number(env.LOCAL_WORLD_SIZE));
  // mpirun and srun often give each process CPUs of its own.
  if (!isOnAll) return usable;
  if (env.OMPI_COMM_WORLD_LOCAL_SIZE) return divided(Number(env.OMPI_COMM_WORLD_LOCAL_SIZE));
  if (env.SLURM_STEP_ID === undefined) return usable;
  // Tasks by machine, such as '4(x2),3'. parseInt reads the first number.
  const {SLURM_CPUS_PER_TASK: perTask, SLURM_STEP_TASKS_PER_NODE: tasks = '1'} = env;
  return perTask ? Math.min(usable, Number(perTask)) : divided(Number.parseInt(tasks, 10));
}
