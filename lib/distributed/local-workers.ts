import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {createServer} from 'node:net';
import {hostname} from 'node:os';
import {setTimeout} from 'node:timers/promises';
import {MaskRcnnError} from '../basics/errors.js';
import {DEFAULT_PORT} from './place.js';

type Env = Readonly<Record<string, string | undefined>>;

/** Set in the processes that `runLocally()` starts. */
const STARTED = 'MASKRCNN_STARTED_RANK';

/** How long processes may take to end by themselves after one of them has failed. */
const GRACE_MS = 4000;

/** Of what a process has written to standard error, the last part is kept as its last words. */
const LAST_CHARACTERS = 2000;

/** How the processes have ended: 0, or the code of the first that failed, which has told its error. */
export type LocalEnd = {code: number};

type Worker = {rank: number; child: ChildProcess; lastWords: () => string; ended: Promise<Exit>};
type Exit = {rank: number; code: number | null; signal: NodeJS.Signals | null};

/** Whether `runLocally()` has started this process. */
export function isStartedRank(env: Env = process.env): boolean {
  return env[STARTED] !== undefined;
}

/**
 * How many processes the option `processes` asks for in this process: 1 in a process that was started for it, and
 * otherwise, without the option, what Kubeflow asks for. Throws INVALID_OPTION if a launcher has started this one.
 */
export function localProcesses(processes: number | undefined, env: Env = process.env): number {
  if (isStartedRank(env)) return 1;
  const ofKubeflow = env.PET_NNODES === undefined ? 1 : Number(env.PET_NPROC_PER_NODE ?? 1);
  const wanted = processes ?? (env.RANK === undefined && ofKubeflow >= 1 ? ofKubeflow : 1);
  if (wanted > 1 && env.RANK !== undefined) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option 'processes' starts processes on this machine, but this process is one of a group already: rank ${env.RANK}.`,
      {hint: 'Leave it out under torchrun and other launchers, which start all processes.'},
    );
  }
  return wanted;
}

/**
 * Runs this program `processes` times as one group, with the same arguments. Rank 0 has this process's output; of the
 * others only the last words are kept. When one fails, the others end within seconds. Throws the signal's reason, or
 * GROUP_FAILED if rank 0 could not tell the failure.
 */
export async function runLocally(
  processes: number,
  {signal, say}: {signal: AbortSignal; say: (text: string) => void},
): Promise<LocalEnd> {
  const places = await placesOf(processes);
  const workers = places.map((place, rank) => start(place, rank));
  const interrupt = () => {
    for (const {child} of workers) child.kill('SIGINT');
  };
  signal.addEventListener('abort', interrupt, {once: true});
  try {
    const first = await firstFailure(workers);
    if (first === undefined) return {code: 0};
    return await endAll(workers, first, say);
  } finally {
    signal.removeEventListener('abort', interrupt);
    signal.throwIfAborted();
  }
}

/** The variables of each process. With Kubeflow, they are a part of a larger group. */
async function placesOf(processes: number): Promise<Record<string, string>[]> {
  const {PET_NNODES = '1', PET_NODE_RANK = '0', PET_MASTER_ADDR, PET_MASTER_PORT} = process.env;
  const nodes = Number(PET_NNODES);
  const port = nodes > 1 ? (PET_MASTER_PORT ?? String(DEFAULT_PORT)) : String(await freePort());
  return Array.from({length: processes}, (_, local) => ({
    [STARTED]: '1',
    RANK: String(Number(PET_NODE_RANK) * processes + local),
    WORLD_SIZE: String(nodes * processes),
    LOCAL_RANK: String(local),
    LOCAL_WORLD_SIZE: String(processes),
    MASTER_ADDR: (nodes > 1 && PET_MASTER_ADDR) || '127.0.0.1',
    MASTER_PORT: port,
  }));
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address() as {port: number};
  server.close();
  await once(server, 'close');
  return port;
}

function start(place: Record<string, string>, rank: number): Worker {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env: {...process.env, ...place},
    stdio: rank === 0 ? 'inherit' : ['ignore', 'ignore', 'pipe'],
  });
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-LAST_CHARACTERS);
  });
  const ended = new Promise<Exit>((done) => {
    child.on('error', (error) => {
      words += error.message;
      done({rank, code: 1, signal: null});
    });
    child.on('close', (code, signal) => done({rank, code, signal}));
  });
  return {rank, child, lastWords: () => words.trim(), ended};
}

/** Resolves to the first process that ends otherwise than well, or to undefined when all have ended well. */
async function firstFailure(workers: readonly Worker[]): Promise<Exit | undefined> {
  return new Promise((done) => {
    let running = workers.length;
    for (const {ended} of workers) {
      ended.then((exit) => {
        if (exit.code !== 0) done(exit);
        else if (--running === 0) done(undefined);
      });
    }
  });
}

/** Lets the processes find out what has happened, and ends those that do not. */
async function endAll(workers: readonly Worker[], first: Exit, say: (text: string) => void): Promise<LocalEnd> {
  const [leader] = workers;
  const all = Promise.all(workers.map(({ended}) => ended));
  const abort = new AbortController();
  await Promise.race([all, setTimeout(GRACE_MS, undefined, {signal: abort.signal}).catch(() => {})]);
  abort.abort();
  for (const {child} of workers) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  const exits = await all;
  const {child, lastWords} = workers[first.rank]!;
  const how = first.signal === null ? `with code ${first.code}` : `by ${first.signal}`;
  const words = lastWords();
  const what =
    `Rank ${first.rank} (${hostname()}, process ${child.pid}) has ended ${how}` +
    (words === '' ? '.' : `. Its last words: ${words}`);
  // Rank 0 has told its own error, or that of the other one.
  const told = exits[leader!.rank]!;
  if (told.code === null || told.code === 0) throw new MaskRcnnError('GROUP_FAILED', what);
  if (first.signal !== null) say(what);
  return {code: told.code};
}
