import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout} from 'node:timers/promises';
import test from 'ava';
import {ifLinux, lastError, PROGRAM, runsIn} from './faulty-runs.js';
import {freePort, placeVariables, type Rank, startRank, startRanks} from './ranks.js';
import type {RankRun} from './train-rank.js';

let folder: string;
const run = runsIn(() => folder);
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-joining-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

/** How many connections the process that serves `port` of this machine has. */
async function connectionsOf(port: number): Promise<number> {
  const served = port.toString(16).toUpperCase().padStart(4, '0');
  const open = new RegExp(`^ *\\d+: \\w+:${served} \\S+ 01 `, 'gm');
  return (await readFile('/proc/net/tcp', 'utf8')).match(open)?.length ?? 0;
}

/** Starts `ranks` of three processes, and resolves when all are in the store. */
async function startOfThree(ranks: readonly number[], argument: RankRun, port: number): Promise<Rank[]> {
  const before = await connectionsOf(port);
  const started = ranks.map((rank) => startRank(PROGRAM, argument, placeVariables(rank, 3, port)));
  while ((await connectionsOf(port)) < before + ranks.length) await setTimeout(2);
  return started;
}

test.serial('options that differ between processes are told on all', async (t) => {
  const said: [Partial<RankRun>, RegExp][] = [
    [{options: {freeze: []}}, /^Option 'freeze' of train\(\) must be the same in all processes, but rank 0 has/],
    [
      {options: {distributed: {gradients: 'bfloat16'}}},
      /'gradients' .* rank 0 has 'float32' and rank 1 has 'bfloat16'\.$/,
    ],
    [{model: {rpnNmsThresh: 0.6}}, /^The network's option 'rpnNmsThresh' .* rank 0 has 0\.7 and rank 1 has 0\.6\.$/],
  ];
  for (const [other, expected] of said) {
    const ranks = await startRanks(PROGRAM, 2, {...run('differs'), others: {1: other}});
    for (const {code, err} of await Promise.all(ranks.map(({ended}) => ended))) {
      t.is(code, 1);
      t.regex(lastError(err)!, expected);
    }
  }
});

test.serial('an abort while others are still to join ends the waiting', async (t) => {
  const alone = {...run('not-joined'), abortAfter: 1};
  const {code, err} = await startRank(PROGRAM, alone, placeVariables(0, 2, await freePort())).ended;
  t.is(code, 1);
  t.regex(err, /Error: lunch/);
});

test.serial('an abort while the addon is loaded, or just when joining begins, is heard', async (t) => {
  const variables = placeVariables(0, 2, await freePort());
  const {out, err} = await startRank('test/distributed/early-abort.ts', {}, variables).ended;
  t.is(out, 'before loading\nat once\n', err);
});

const ENDED_EARLY = /^Rank 1 \(.+, process \d+\) has ended without a word, or cannot be reached any more/;

ifLinux('a rank that is killed while others are still to join is named at once', async (t) => {
  const [first, second] = await startOfThree([0, 1], run('killed-in-store'), await freePort());
  // Its first words to the store.
  await setTimeout(700);
  second!.child.kill('SIGKILL');
  const {code, err} = await first!.ended;
  t.is(code, 1);
  t.regex(lastError(err)!, ENDED_EARLY);
});

ifLinux('a rank that is killed while the others connect to it is named by both', async (t) => {
  const port = await freePort();
  const argument = run('killed-in-connect');
  const [first, second] = await startOfThree([0, 1], argument, port);
  const [third] = await startOfThree([2], argument, port);
  // All are there, and this one does not connect any more.
  second!.child.kill('SIGSTOP');
  await setTimeout(500);
  second!.child.kill('SIGKILL');
  for (const {ended} of [first!, third!]) t.regex(lastError((await ended).err)!, ENDED_EARLY);
});

ifLinux('two processes of one rank are told, and end all', async (t) => {
  const port = await freePort();
  const ranks = [0, 1, 1].map((rank) => startRank(PROGRAM, run('twice'), placeVariables(rank, 3, port)));
  const said = /^Each process must have a rank of its own, and two are rank 1: \(.+, process \d+\) and \(.+\)\.$/;
  for (const {err} of await Promise.all(ranks.map(({ended}) => ended))) t.regex(lastError(err)!, said);
});

test.serial('a process that does not come is named', async (t) => {
  const port = await freePort();
  const argument = run('alone', {distributed: {timeoutMinutes: 0.01}});
  const {code, err} = await startRank(PROGRAM, argument, placeVariables(0, 2, port)).ended;
  t.is(code, 1);
  t.regex(lastError(err)!, /^All 2 ranks must join within 0\.6 s, and these have not: 1\.$/);
});

test.serial('evaluate() tells weights that differ between processes, and lets seeds differ', async (t) => {
  const ranks = await startRanks('test/distributed/other-weights.ts', 2, 'none');
  for (const {out, err} of await Promise.all(ranks.map(({ended}) => ended))) {
    t.is(out, 'evaluated');
    t.regex(lastError(err)!, /^The digest of the weights must be the same in all processes, but/);
  }
});
