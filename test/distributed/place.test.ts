import test from 'ava';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {findPlace, firstHost} from '../../lib/distributed/place.js';

const torchrun = {
  RANK: '3',
  LOCAL_RANK: '1',
  WORLD_SIZE: '4',
  LOCAL_WORLD_SIZE: '2',
  MASTER_ADDR: 'node-a',
  MASTER_PORT: '34567',
  TORCHELASTIC_RUN_ID: 'none',
  TORCHELASTIC_RESTART_COUNT: '2',
  TORCHELASTIC_USE_AGENT_STORE: 'True',
};

test('without variables of a launcher, or in a group of one, there is no group', (t) => {
  t.is(findPlace({}), undefined);
  t.is(findPlace({MASTER_ADDR: 'node-a', MASTER_PORT: '29500', PATH: '/bin'}), undefined);
  t.is(findPlace({...torchrun, RANK: '0', WORLD_SIZE: '1'}), undefined);
});

test("torchrun's agent serves the store, and each attempt has its own keys", (t) => {
  const place = {launcher: 'torchrun', size: 4, address: 'node-a', port: 34567, attempt: 2} as const;
  t.deepEqual(findPlace(torchrun), {...place, rank: 3, serves: false});
  t.deepEqual(findPlace({...torchrun, RANK: '0'}), {...place, rank: 0, serves: false});
  const {TORCHELASTIC_USE_AGENT_STORE: _, ...without} = torchrun;
  t.true(findPlace({...without, RANK: '0'})!.serves);
  t.false(findPlace(without)!.serves);
});

test("the variables of PyTorchJob, with torch's default port", (t) => {
  t.deepEqual(findPlace({RANK: '0', WORLD_SIZE: '2', MASTER_ADDR: '10.0.0.7'}), {
    launcher: 'environment',
    rank: 0,
    size: 2,
    address: '10.0.0.7',
    port: 29500,
    serves: true,
    attempt: 0,
  });
});

const slurm = {
  SLURM_JOB_ID: '4123456',
  SLURM_STEP_ID: '0',
  SLURM_PROCID: '5',
  SLURM_NTASKS: '8',
  SLURM_STEP_NUM_TASKS: '8',
  SLURM_STEP_NODELIST: 'gpu[05-08,12],cpu1',
};

test('tasks of srun find rank 0 on the first machine of the list, at a port of their job', (t) => {
  const place = findPlace(slurm)!;
  t.like(place, {launcher: 'Slurm', rank: 5, size: 8, address: 'gpu05', serves: false});
  t.is(place.port, 23456);
  t.is(findPlace({...slurm, SLURM_PROCID: '0'})!.port, place.port);
  t.like(findPlace({...slurm, MASTER_ADDR: 'login', MASTER_PORT: '4000'}), {address: 'login', port: 4000});
});

test('the script of sbatch, which is no task of srun, is no group', (t) => {
  const {SLURM_STEP_ID: _, ...script} = slurm;
  t.is(findPlace({...script, SLURM_PROCID: '0'}), undefined);
});

test('the first host of lists of Slurm', (t) => {
  t.is(firstHost('node1'), 'node1');
  t.is(firstHost('node1,node2'), 'node1');
  t.is(firstHost('host[5-9]'), 'host5');
  t.is(firstHost('host[007,009]'), 'host007');
});

test("mpirun's processes on one machine need no address, on several they do", (t) => {
  const mpi = {
    OMPI_COMM_WORLD_RANK: '1',
    OMPI_COMM_WORLD_SIZE: '2',
    OMPI_COMM_WORLD_LOCAL_SIZE: '2',
    PMIX_NAMESPACE: 'prterun-host-1234@1',
  };
  t.like(findPlace(mpi), {launcher: 'mpirun', rank: 1, size: 2, address: '127.0.0.1', serves: false});
  t.is(findPlace(mpi)!.port, 21234);
  // Open MPI 4. Jobs that begin at the same time must have different ports: their first digits are alike.
  t.is(findPlace({...mpi, PMIX_NAMESPACE: '3221225473'})!.port, 25473);
  t.is(findPlace({...mpi, PMIX_NAMESPACE: '3221291009'})!.port, 21009);
  const wide = {...mpi, OMPI_COMM_WORLD_LOCAL_SIZE: '1'};
  t.throws(() => findPlace(wide), {message: /MASTER_ADDR/});
  t.is(findPlace({...wide, MASTER_ADDR: 'node-a'})!.address, 'node-a');
});

test("Kubeflow's pods of one process each", (t) => {
  const pod = {PET_NNODES: '3', PET_NPROC_PER_NODE: '1', PET_NODE_RANK: '2', PET_MASTER_ADDR: 'job-node-0-0.job'};
  t.like(findPlace({...pod, PET_MASTER_PORT: '29400'}), {rank: 2, size: 3, address: 'job-node-0-0.job', port: 29400});
  t.throws(() => findPlace({...pod, PET_NPROC_PER_NODE: '4'}), {message: /4 processes per pod/});
});

for (const [name, env, message] of [
  ['half a group', {RANK: '1'}, /RANK, WORLD_SIZE, MASTER_ADDR, and these are not set: WORLD_SIZE, MASTER_ADDR\./],
  ['no address', {RANK: '1', WORLD_SIZE: '2'}, /not set: MASTER_ADDR\./],
  ['a rank that is no number', {...torchrun, RANK: 'one'}, /RANK must be an integer of at least 0, got 'one'/],
  ['a rank beyond the group', {...torchrun, RANK: '4'}, /below the number of processes, got rank 4 of 4/],
  ['a port that is none', {...torchrun, MASTER_PORT: '70000'}, /MASTER_PORT must be a port in 1\.\.65535, got 70000/],
  ['no size of mpirun', {OMPI_COMM_WORLD_RANK: '0'}, /OMPI_COMM_WORLD_SIZE must be an integer of at least 1, got none/],
] as const) {
  test(`${name} is an error that names the variable`, (t) => {
    const error = t.throws(() => findPlace(env), {instanceOf: MaskRcnnError, message});
    t.is(error.code, 'INVALID_OPTION');
  });
}
