import {MaskRcnnError} from '../basics/errors.js';

type Env = Readonly<Record<string, string | undefined>>;

/** The place of this process in a group of processes. */
export type Place = {
  /** Who started the group, for messages. */
  launcher: 'torchrun' | 'environment' | 'Slurm' | 'Kubeflow' | 'mpirun';
  /** Which process of how many, counted from 0. */
  rank: number;
  size: number;
  /** The address and the port of the store in which the processes find each other. */
  address: string;
  port: number;
  /** Whether this process runs the store. Rank 0 does, unless the launcher runs one. */
  serves: boolean;
  /** How often the launcher has started the group again. Keys of an earlier attempt may still be in its store. */
  attempt: number;
};

/** The port of torchrun and of PyTorch's `env://` where none is named. */
export const DEFAULT_PORT = 29500;

/** Ports by job are 20000 and up: below those that systems hand out by themselves (32768 and up on Linux). */
const FIRST_JOB_PORT = 20000;

/**
 * The place of this process by the variables that launchers set, or undefined if there is no other process. Throws
 * INVALID_OPTION if only some of a launcher's variables are set, or one is not valid.
 */
export function findPlace(env: Env = process.env): Place | undefined {
  const place = ofEnvironment(env) ?? ofMpirun(env) ?? ofSlurm(env) ?? ofKubeflow(env);
  if (place === undefined) return undefined;
  if (place.rank >= place.size) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `The rank that ${place.launcher} names must be below the number of processes, got rank ${place.rank} of ${place.size}.`,
    );
  }
  return place.size === 1 ? undefined : place;
}

/** What torchrun, PyTorchJob and `--processes` set, and scripts for PyTorch do. */
function ofEnvironment(env: Env): Place | undefined {
  if (env.RANK === undefined && env.WORLD_SIZE === undefined) return undefined;
  const names = ['RANK', 'WORLD_SIZE', 'MASTER_ADDR'];
  const missing = names.filter((name) => !env[name]);
  if (missing.length > 0) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `A group of processes needs the environment variables ${names.join(', ')}, and these are not set: ${missing.join(', ')}.`,
      {
        hint: 'Start all processes by torchrun or another launcher of docs/distributed.md, or unset RANK and WORLD_SIZE.',
      },
    );
  }
  const hasAgent = env.TORCHELASTIC_USE_AGENT_STORE === 'True';
  const rank = whole(env, 'RANK');
  return {
    launcher: env.TORCHELASTIC_RUN_ID === undefined ? 'environment' : 'torchrun',
    rank,
    size: whole(env, 'WORLD_SIZE', 1),
    address: env.MASTER_ADDR!,
    port: portOf(env) ?? DEFAULT_PORT,
    serves: rank === 0 && !hasAgent,
    attempt: env.TORCHELASTIC_RESTART_COUNT === undefined ? 0 : whole(env, 'TORCHELASTIC_RESTART_COUNT'),
  };
}

/** Open MPI's mpirun. It names no address: on one machine none is needed. */
function ofMpirun(env: Env): Place | undefined {
  if (env.OMPI_COMM_WORLD_RANK === undefined) return undefined;
  const rank = whole(env, 'OMPI_COMM_WORLD_RANK');
  const size = whole(env, 'OMPI_COMM_WORLD_SIZE', 1);
  const isOneMachine = whole(env, 'OMPI_COMM_WORLD_LOCAL_SIZE', 1) === size;
  if (!env.MASTER_ADDR && !isOneMachine) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      'Processes of mpirun on several machines need the environment variable MASTER_ADDR, the machine of rank 0, and ' +
        'it is not set.',
      {hint: 'Start them with `mpirun -x MASTER_ADDR=HOST -x MASTER_PORT=29500 ...`.'},
    );
  }
  const job = env.PMIX_NAMESPACE ?? env.OMPI_MCA_ess_base_jobid ?? '';
  return {
    launcher: 'mpirun',
    rank,
    size,
    address: env.MASTER_ADDR || '127.0.0.1',
    port: portOf(env) ?? jobPort(job),
    serves: rank === 0,
    attempt: 0,
  };
}

/** Tasks of Slurm's srun. The script of sbatch itself has these variables too, but is no task of a step. */
function ofSlurm(env: Env): Place | undefined {
  if (env.SLURM_PROCID === undefined || env.SLURM_STEP_ID === undefined) return undefined;
  const size =
    env.SLURM_STEP_NUM_TASKS === undefined ? whole(env, 'SLURM_NTASKS', 1) : whole(env, 'SLURM_STEP_NUM_TASKS', 1);
  const rank = whole(env, 'SLURM_PROCID');
  const nodes = env.SLURM_STEP_NODELIST ?? env.SLURM_NODELIST ?? env.SLURM_JOB_NODELIST;
  const address = env.MASTER_ADDR || (nodes && firstHost(nodes));
  if (!address) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      'Tasks of Slurm need the environment variable SLURM_STEP_NODELIST or MASTER_ADDR to find rank 0, and neither is set.',
    );
  }
  return {
    launcher: 'Slurm',
    rank,
    size,
    address,
    port: portOf(env) ?? jobPort(`${env.SLURM_JOB_ID ?? ''}.${env.SLURM_STEP_ID}`),
    serves: rank === 0,
    attempt: 0,
  };
}

/** Kubeflow Trainer v2 sets the options of torchrun, for one process per pod. */
function ofKubeflow(env: Env): Place | undefined {
  if (env.PET_NNODES === undefined) return undefined;
  const local = env.PET_NPROC_PER_NODE === undefined ? 1 : whole(env, 'PET_NPROC_PER_NODE', 1);
  const size = whole(env, 'PET_NNODES', 1);
  if (local > 1) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `PET_NPROC_PER_NODE asks for ${local} processes per pod, and this one has no RANK among them.`,
      {hint: 'Start `maskrcnn train`, which starts them, or torchrun.'},
    );
  }
  const rank = whole(env, 'PET_NODE_RANK');
  if (size > 1 && !env.PET_MASTER_ADDR) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      'A group of pods needs the environment variable PET_MASTER_ADDR, the pod of rank 0, and it is not set.',
    );
  }
  return {
    launcher: 'Kubeflow',
    rank,
    size,
    address: env.PET_MASTER_ADDR ?? '127.0.0.1',
    port: portOf(env, 'PET_MASTER_PORT') ?? DEFAULT_PORT,
    serves: rank === 0,
    attempt: 0,
  };
}

/** The first machine of Slurm's list: 'gpu[05-08,12],cpu1' begins with gpu05. */
export function firstHost(list: string): string {
  const [, name = '', numbers] = /^([^[,]+)(?:\[([^\]]+)\])?/.exec(list) ?? [];
  return numbers === undefined ? name : name + numbers.split(/[-,]/)[0];
}

/** A port for a job, the same in all its processes. `job`: its number, perhaps with that of a step, as in '1234.0'. */
function jobPort(job: string): number {
  const digits = /(\d{1,4})(?:\D+\d+)?$/.exec(job)?.[1];
  return FIRST_JOB_PORT + Number(digits ?? 0);
}

function portOf(env: Env, name = 'MASTER_PORT'): number | undefined {
  if (!env[name]) return undefined;
  const port = whole(env, name, 1);
  if (port < 2 ** 16) return port;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `The environment variable ${name} must be a port in 1..65535, got ${port}.`,
  );
}

function whole(env: Env, name: string, least = 0): number {
  const text = env[name];
  const value = Number(text);
  if (text !== undefined && /^\d+$/.test(text) && value >= least) return value;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `The environment variable ${name} must be an integer of at least ${least}, got ${text === undefined ? 'none' : `'${text}'`}.`,
    {hint: 'It comes from what has started this process: see docs/distributed.md.'},
  );
}
