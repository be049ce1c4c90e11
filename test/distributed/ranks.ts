import {type ChildProcess, spawn} from 'node:child_process';
import {createServer} from 'node:net';
import {nodeArguments} from '../program.js';

/** What a process of a group has printed and how it has ended. */
export type Ended = {code: number | null; signal: NodeJS.Signals | null; out: string; err: string};

export type Rank = {child: ChildProcess; ended: Promise<Ended>};

/** A port of this machine that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const {port} = server.address() as {port: number};
  await new Promise((done) => server.close(done));
  return port;
}

/** The variables of rank `rank` of `size` on this machine. */
export function placeVariables(rank: number, size: number, port: number): Record<string, string> {
  return {
    RANK: String(rank),
    WORLD_SIZE: String(size),
    LOCAL_RANK: String(rank),
    LOCAL_WORLD_SIZE: String(size),
    MASTER_ADDR: '127.0.0.1',
    MASTER_PORT: String(port),
  };
}

/** Starts `program` with an argument as JSON. `starter`: a command that starts the command that follows it. */
export function startRank(
  program: string,
  argument: unknown,
  env: Record<string, string>,
  starter: readonly string[] = [],
): Rank {
  const words = [...starter, process.execPath, ...nodeArguments(program), JSON.stringify(argument)] as [string];
  const child = spawn(words[0], words.slice(1), {
    env: {...process.env, MASKRCNN_THREADS: '1', ...env},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (part) => (out += part));
  child.stderr.on('data', (part) => (err += part));
  const ended = new Promise<Ended>((done) => child.on('close', (code, signal) => done({code, signal, out, err})));
  return {child, ended};
}

/** Starts `size` processes of `program` as one group. */
export async function startRanks(program: string, size: number, argument: unknown): Promise<Rank[]> {
  const port = await freePort();
  return Array.from({length: size}, (_, rank) => startRank(program, argument, placeVariables(rank, size, port)));
}

/** Runs `size` processes as one group and returns what each has printed as JSON. Throws if one fails. */
export async function runRanks<T>(program: string, size: number, argument: unknown): Promise<T[]> {
  const ranks = await startRanks(program, size, argument);
  const ends = await Promise.all(ranks.map(({ended}) => ended));
  return ends.map(({code, signal, out, err}, rank) => {
    if (code !== 0) throw new Error(`rank ${rank} of ${size} ended with ${signal ?? code}: ${err}`);
    return JSON.parse(out) as T;
  });
}
