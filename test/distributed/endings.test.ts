import test from 'ava';
import {ifLinux} from './faulty-runs.js';
import {type Ended, freePort, placeVariables, startRank, startRanks} from './ranks.js';

const PROGRAM = 'test/distributed/endings.ts';

/** The seconds that a process may take from its start to its end. Its group would wait for a minute. */
const SOON = 30;

/** How two processes have ended, and how long that took. */
async function ends(what: string): Promise<[first: Ended & {seconds: number}, second: Ended]> {
  const began = performance.now();
  const [first, second] = await startRanks(PROGRAM, 2, what);
  const one = await first!.ended;
  const seconds = (performance.now() - began) / 1000;
  second!.child.kill('SIGCONT');
  return [{...one, seconds}, await second!.ended];
}

/** How one process of two has ended whose other one does not come. */
async function endAlone(what: string): Promise<Ended & {seconds: number}> {
  const began = performance.now();
  const ended = await startRank(PROGRAM, what, placeVariables(0, 2, await freePort())).ended;
  return {...ended, seconds: (performance.now() - began) / 1000};
}

test.serial('a group that is closed before its thread has begun to join does not join', async (t) => {
  const {code, out, err, seconds} = await endAlone('closeAtOnce');
  t.is(code, 0, err);
  t.is(out, 'The group is closed.\n');
  t.true(seconds < SOON, `${seconds} s`);
});

test.serial('process.exit() just when joining begins ends the process', async (t) => {
  const {code, err, seconds} = await endAlone('exitAtOnce');
  t.is(code, 7, err);
  t.true(seconds < SOON, `${seconds} s`);
});

ifLinux('process.exit() while the group waits for a stopped process ends the process', async (t) => {
  const [{code, err, seconds}] = await ends('exitWhileWaiting');
  t.is(code, 7, err);
  t.true(seconds < SOON, `${seconds} s`);
});

test.serial('a worker thread is terminated while its group is to join', async (t) => {
  const {code, err, seconds} = await endAlone('threadJoins');
  t.is(code, 0, err);
  t.true(seconds < SOON, `${seconds} s`);
});

test.serial('a worker thread is terminated while its group waits: the other process is told', async (t) => {
  const [{code, err, seconds}, second] = await ends('threadWaits');
  t.is(code, 0, err);
  t.true(seconds < SOON, `${seconds} s`);
  t.regex(
    second.err,
    /Rank 0 \(here, process \d+\) has failed: it has left the group while an operation was under way/,
  );
});

test.serial('a worker thread that ends leaves the group of another thread open', async (t) => {
  const [{code, out, err}, second] = await ends('threadBeside');
  t.is(code, 0, err);
  t.is(out, '2\n');
  t.is(second.code, 0, second.err);
});

test.serial('two threads of a process that have one rank are told, and end all', async (t) => {
  const port = await freePort();
  // No rank 2 comes, so that none has joined before it hears.
  const ranks = [0, 1].map((rank) => startRank(PROGRAM, 'threadTwice', placeVariables(rank, 3, port)));
  const ends = await Promise.all(ranks.map(({ended}) => ended));
  const said = ends.flatMap(({out}) => out.trim().split('\n'));
  t.is(said.length, 3, ends.map(({err}) => err).join(''));
  for (const words of said) {
    t.regex(
      words,
      /^Each process must have a rank of its own, and two are rank 1: \(here, process (\d+)\) and \(here, process \1\)\.$/,
    );
  }
});

test.serial('an abort that comes when all have just joined is heard', async (t) => {
  const [{code, out, err}] = await ends('abortAfterJoining');
  t.is(code, 0, err);
  t.is(out, 'lunch\n');
});

ifLinux('an operation that a failure gives up writes to no memory that was freed', async (t) => {
  const [{code, out, err}] = await ends('failDuringSum');
  t.is(code, 0, err);
  t.regex(out, /^Rank 0 \(here, process \d+\) has failed: the disk is on fire/);
});
