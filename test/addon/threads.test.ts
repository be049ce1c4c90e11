import {execFile} from 'node:child_process';
import {existsSync, mkdirSync, rmdirSync, writeFileSync} from 'node:fs';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {chooseThreads} from '../../lib/addon/threads.js';
import {maskRcnn} from '../../lib/index.js';
import {nodeArguments} from '../program.js';
import {tinyModel} from '../tiny.js';

const {OMP_WAIT_POLICY: _, OMP_NUM_THREADS: __, MASKRCNN_THREADS: ___, ...env} = process.env;
const program = nodeArguments('test/addon/count-threads.ts');

/** What count-threads.ts prints with these environment variables. `before` is a shell command that runs first. */
async function count(variables: Record<string, string>, models: number[] = [], before = ':') {
  const args = ['-c', `${before}; exec "$0" "$@"`, process.execPath, ...program, ...models.map(String)];
  const {stdout, stderr} = await promisify(execFile)('sh', args, {env: {...env, ...variables}});
  return {...JSON.parse(stdout), stderr};
}

const linux = process.platform === 'linux' ? test : test.skip;

test('MASKRCNN_THREADS, then OMP_NUM_THREADS, then the CPUs that may be used, if they are fewer', (t) => {
  t.is(chooseThreads({MASKRCNN_THREADS: '3', OMP_NUM_THREADS: '5'}, 5, {usable: 2, isOnAll: true}), 3);
  t.is(chooseThreads({OMP_NUM_THREADS: '5'}, 5, {usable: 2, isOnAll: true}), undefined);
  t.is(chooseThreads({}, 64, {usable: 2, isOnAll: true}), 2);
  t.is(chooseThreads({MASKRCNN_THREADS: ''}, 2, {usable: 2, isOnAll: true}), undefined);
  t.is(chooseThreads({}, 4, {usable: 8, isOnAll: true}), undefined); // libtorch leaves out the second thread of each core
  for (const wrong of ['0', '1.5', 'all', '5000']) {
    t.throws(() => chooseThreads({MASKRCNN_THREADS: wrong}, 4, {usable: 4, isOnAll: true}), {
      code: 'INVALID_OPTION',
      message: `The environment variable MASKRCNN_THREADS must be an integer in 1..4096, got '${wrong}'.`,
    });
  }
});

test('the processes of a group share the CPUs of their machine', (t) => {
  const group = {LOCAL_WORLD_SIZE: '4'};
  t.is(chooseThreads(group, 32, {usable: 32, isOnAll: true}), 8);
  t.is(chooseThreads(group, 16, {usable: 2, isOnAll: true}), 1);
  t.is(chooseThreads({...group, OMP_NUM_THREADS: '3'}, 3, {usable: 32, isOnAll: true}), undefined);
  // torchrun sets this where the user has set nothing.
  t.is(chooseThreads({...group, OMP_NUM_THREADS: '1', TORCHELASTIC_RUN_ID: 'none'}, 1, {usable: 32, isOnAll: true}), 8);
  t.is(
    chooseThreads({...group, OMP_NUM_THREADS: '2', TORCHELASTIC_RUN_ID: 'none'}, 2, {usable: 32, isOnAll: true}),
    undefined,
  );
  t.is(chooseThreads({...group, MASKRCNN_THREADS: '5'}, 32, {usable: 32, isOnAll: true}), 5);
  t.is(chooseThreads({LOCAL_WORLD_SIZE: '1'}, 4, {usable: 4, isOnAll: true}), undefined);
});

test('processes of mpirun and srun share the CPUs of their machine, unless each has its own', (t) => {
  const all = {usable: 32, isOnAll: true};
  t.is(chooseThreads({OMPI_COMM_WORLD_LOCAL_SIZE: '4'}, 32, all), 8);
  t.is(chooseThreads({OMPI_COMM_WORLD_LOCAL_SIZE: '4'}, 8, {usable: 8, isOnAll: false}), undefined);
  const task = {SLURM_STEP_ID: '0', SLURM_STEP_TASKS_PER_NODE: '8(x2),3'};
  t.is(chooseThreads(task, 32, all), 4);
  t.is(chooseThreads({...task, SLURM_CPUS_PER_TASK: '16'}, 32, all), 16);
  t.is(chooseThreads(task, 4, {usable: 4, isOnAll: false}), undefined);
  // The script of sbatch, which is no task of srun.
  t.is(chooseThreads({SLURM_CPUS_PER_TASK: '4'}, 32, all), undefined);
});

test('the option is checked', async (t) => {
  for (const threads of [0, 2.5, 5000, '2' as never]) {
    await t.throwsAsync(maskRcnn({...tinyModel, threads}), {code: 'INVALID_OPTION', message: /'threads'/});
  }
});

linux('each model computes with its own number of threads', async (t) => {
  const {threads, models} = await count({MASKRCNN_THREADS: '2'}, [3, 1, 2]);
  t.is(threads, 2);
  t.deepEqual(models, [
    {threads: 3, started: 2},
    {threads: 1, started: 0},
    {threads: 2, started: 1},
  ]);
});

linux('idle threads wait actively only for a moment, unless the environment says otherwise', async (t) => {
  const verbose = {OMP_DISPLAY_ENV: 'verbose'}; // libgomp then prints its settings
  const {stderr, spinCount} = await count(verbose);
  t.regex(stderr, /GOMP_SPINCOUNT = '10000'/);
  t.is(spinCount, undefined, 'programs that Node starts do not inherit it');
  t.regex((await count({...verbose, GOMP_SPINCOUNT: '77'})).stderr, /GOMP_SPINCOUNT = '77'/);
  t.regex((await count({...verbose, OMP_WAIT_POLICY: 'passive'})).stderr, /GOMP_SPINCOUNT = '0'/);
});

linux('the quota of a real control group', async (t) => {
  const group = makeGroup(t);
  if (group === undefined) return;
  try {
    const enter = `echo $$ > ${group}/cgroup.procs`;
    t.is((await count({}, [], enter)).threads, 1);
    t.is((await count({MASKRCNN_THREADS: '2'}, [], enter)).threads, 2);
  } finally {
    rmdirSync(group);
  }
});

/** Makes a control group with a quota of 0.9 CPUs, where this user may. */
function makeGroup(t: ExecutionContext): string | undefined {
  const name = `maskrcnn-test-${process.pid}`;
  const ways: [root: string, files: Record<string, string>][] = [
    ['/sys/fs/cgroup', {'cpu.max': '90000 100000'}],
    ['/sys/fs/cgroup/cpu', {'cpu.cfs_period_us': '100000', 'cpu.cfs_quota_us': '90000'}],
  ];
  const reasons: string[] = [];
  for (const [root, files] of ways) {
    const group = `${root}/${name}`;
    // Where version 1 is mounted, /sys/fs/cgroup is an ordinary folder.
    if (!existsSync(`${root}/cgroup.procs`)) continue;
    try {
      mkdirSync(group);
    } catch (error) {
      reasons.push((error as Error).message);
      continue;
    }
    try {
      for (const [file, text] of Object.entries(files)) writeFileSync(`${group}/${file}`, text);
      return group;
    } catch (error) {
      reasons.push((error as Error).message);
      rmdirSync(group);
    }
  }
  t.log(`skipped: no control group can be made here (${reasons.join('; ') || 'none is mounted'})`);
  t.pass();
  return undefined;
}
