import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout} from 'node:timers/promises';
import {isDeepStrictEqual} from 'node:util';
import {Random} from '../../lib/basics/random.js';
import {type Ended, type Rank, runRanks, startRanks} from './ranks.js';
import type {RankOutcome, RankRun} from './train-rank.js';

const PROGRAM = 'test/distributed/train-rank.ts';

/**
 * How long the processes of a group wait for each other, in seconds. Only those who wait for one that is stopped, or
 * was killed before it had joined, wait so long: without a launcher, nobody can know of it. On a machine with other
 * work, a step may take some seconds.
 */
const TIMEOUT = 15;

/** How long a process may go on after another one of its group was killed, in seconds. Longer is a hang. */
const HANG = 60;

/** What those say who have waited for one that was killed before it had joined. */
const NOT_JOINED = /All \d+ ranks must join within|cannot reach the group's store|cannot join its group/;

/** One process that was killed or stopped, and what became of the others. */
export type Kill = {
  rank: number;
  /** SIGSTOP: it was stopped, and went on when the others had ended. */
  signal: 'SIGKILL' | 'SIGSTOP';
  /** The last step that it had told of; undefined before its first one. */
  afterStep: number | undefined;
  /** Whether the others were still waiting for it to join. */
  isBeforeJoining: boolean;
  /** How long it took until all others had ended, in seconds. */
  seconds: number;
  /** The error of one of the others. */
  said: string;
  /** How long it took a stopped process to end after it went on, in seconds. */
  secondsAfter?: number;
};

export type KillReport = {
  kills: Kill[];
  /** How many runs have come to their end, and were compared with the one without interruption. */
  finished: number;
  /** What went wrong, in sentences: hangs, states that could not be resumed, other weights. */
  faults: string[];
};

/** A short training that saves its state after every step. Most weights are frozen, so that less is compared. */
const training: RankRun = {
  images: 7,
  validation: 2,
  options: {
    epochs: 4,
    batchSize: 1,
    warmup: 0,
    ema: {decay: 0.9},
    freeze: ['backbone.body', 'roi_heads.box_head'],
    scoreThreshold: 0,
    saveEveryMinutes: 1e-6,
    resume: 'auto',
    distributed: {timeoutMinutes: TIMEOUT / 60},
  },
};

/**
 * Trains with `size` processes in `folder`, kills one of them at a random time, resumes, and so on, until `kills`
 * processes were killed. `stops` of them, 0..1, are stopped instead, and go on when the others have ended. Whenever a
 * run gets to its end, it is compared to the bit with one that nothing interrupted, and another one begins.
 */
export async function killAtRandom(
  folder: string,
  {
    kills: wanted,
    size,
    seed,
    stops = 0,
    onKill = () => {},
  }: {kills: number; size: number; seed: number; stops?: number; onKill?: (kill: Kill, count: number) => void},
): Promise<KillReport> {
  const random = new Random(seed);
  const began = performance.now();
  const expected = await runRanks<RankOutcome>(PROGRAM, size, inFolder(join(folder, 'whole')));
  const whole = performance.now() - began;
  const output = join(folder, 'killed');
  const report: KillReport = {kills: [], finished: 0, faults: []};
  const compare = async (ends: readonly Ended[]) => {
    report.finished++;
    const outcomes = ends.map(({out}) => JSON.parse(out) as RankOutcome);
    if (!isDeepStrictEqual(outcomes, expected)) {
      report.faults.push(`run ${report.finished}, after ${report.kills.length} kills, has come to other results`);
    }
    await rm(output, {recursive: true, force: true});
  };
  while (report.kills.length < wanted && report.faults.length === 0) {
    const ranks = await startRanks(PROGRAM, size, inFolder(output));
    const ended = Promise.all(ranks.map((rank) => rank.ended));
    const victim = random.integer(size);
    const steps = tellSteps(ranks[victim]!);
    const early = await Promise.race([ended, setTimeout(random.next() * whole)]);
    const signal = random.next() < stops ? 'SIGSTOP' : 'SIGKILL';
    if (early === undefined && ranks[victim]!.child.kill(signal)) {
      const kill = await watchEnd(ranks, victim, signal, steps.last);
      report.kills.push(kill);
      onKill(kill, report.kills.length);
      report.faults.push(...kill.faults.map((text) => `kill ${report.kills.length}: ${text}`));
      continue;
    }
    const ends = await ended;
    const failed = ends.findIndex(({code}) => code !== 0);
    if (failed < 0) await compare(ends);
    else report.faults.push(`rank ${failed} has ended by itself with ${ends[failed]!.code}: ${ends[failed]!.err}`);
  }
  if (report.faults.length > 0) return report;
  const ends = await Promise.all((await startRanks(PROGRAM, size, inFolder(output))).map((rank) => rank.ended));
  const failed = ends.find(({code}) => code !== 0);
  if (failed === undefined) await compare(ends);
  else report.faults.push(`the last run could not go on: ${failed.err}`);
  return report;
}

/** What becomes of `ranks` after one of them was killed or stopped. */
async function watchEnd(
  ranks: readonly Rank[],
  victim: number,
  signal: Kill['signal'],
  afterStep: number | undefined,
): Promise<Kill & {faults: string[]}> {
  const others = Promise.all(ranks.filter((_, rank) => rank !== victim).map(({ended}) => ended));
  const within = <T>(ended: Promise<T>) => Promise.race([ended, setTimeout(HANG * 1000, undefined, {ref: false})]);
  const at = performance.now();
  const ends = await within(others);
  const seconds = (performance.now() - at) / 1000;
  const {child, ended} = ranks[victim]!;
  const wentOnAt = performance.now();
  child.kill('SIGCONT');
  const own = await within(ended);
  const secondsAfter = (performance.now() - wentOnAt) / 1000;
  const isBeforeJoining = ends?.some(({err}) => NOT_JOINED.test(err)) ?? false;
  const [said = ''] = (ends ?? []).flatMap(({err}) => /MaskRcnnError: (.*)/.exec(err)?.[1] ?? []);
  const faults = (ends ?? []).flatMap((end) => unexpected(end, 'one of the others'));
  if (ends === undefined) faults.push(`others than rank ${victim} have not ended in ${HANG} s`);
  if (own === undefined) faults.push(`rank ${victim} has not ended in ${HANG} s after it went on`);
  else if (signal === 'SIGSTOP') faults.push(...unexpected(own, 'the one that was stopped'));
  for (const {child} of ranks) child.kill('SIGKILL');
  return {
    ...{rank: victim, signal, afterStep, isBeforeJoining, seconds, said, faults},
    ...(signal === 'SIGSTOP' && {secondsAfter}),
  };
}

const inFolder = (output: string): RankRun => ({...training, options: {...training.options, output}});

/** The last step that a process has told of, as it goes on. */
function tellSteps({child}: Rank): {last: number | undefined} {
  const steps: {last: number | undefined} = {last: undefined};
  child.stderr!.on('data', (part) => {
    for (const [, step] of String(part).matchAll(/^step (\d+)$/gm)) steps.last = Number(step);
  });
  return steps;
}

/** A process ends with GROUP_FAILED, or well if all was done already. */
function unexpected({code, err}: Ended, which: string): string[] {
  const isAsExpected = code === 0 || (code === 1 && err.includes("code: 'GROUP_FAILED'"));
  return isAsExpected ? [] : [`${which} has ended with ${code}: ${err}`];
}
