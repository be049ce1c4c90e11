import {cp, mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {ifLinux, lastError, PROGRAM, runsIn} from './faulty-runs.js';
import {freePort, placeVariables, type Rank, runRanks, startRank, startRanks} from './ranks.js';
import type {RankOutcome, RankRun} from './train-rank.js';
import {difference} from './weights.js';

let folder: string;
const run = runsIn(() => folder);
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-faults-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

/** Resolves when the process has said that it has taken a step. */
async function firstStep({child}: Rank): Promise<void> {
  await new Promise<void>((done) => {
    let said = '';
    child.stderr!.on('data', (part) => {
      said += part;
      if (said.includes('step 0')) done();
    });
  });
}

/** A short run, and what it comes to without a fault. */
const toTheEnd = {epochs: 2, ema: true};
let whole: Promise<RankOutcome[]> | undefined;
const uninterrupted = () => (whole ??= runRanks<RankOutcome>(PROGRAM, 2, run('whole', toTheEnd)));

for (const killed of [0, 1]) {
  test.serial(`when rank ${killed} is killed, the other ends with an error that says so`, async (t) => {
    const ranks = await startRanks(PROGRAM, 2, run(`killed-${killed}`));
    await Promise.all(ranks.map(firstStep));
    ranks[killed]!.child.kill('SIGKILL');
    const {code, err} = await ranks[1 - killed]!.ended;
    t.is(code, 1);
    t.regex(err, /code: 'GROUP_FAILED'/);
    const who = `Rank ${killed} \\(.+, process ${ranks[killed]!.child.pid}\\)`;
    t.regex(lastError(err)!, new RegExp(`^${who} has ended without a word`));
  });
}

test.serial("an error in one process ends the other with its words, and is torchrun's root cause", async (t) => {
  const port = await freePort();
  const errorFile = join(folder, 'errors', 'error.json');
  const argument = run('throws', {}, {1: {step: 1, kind: 'throw'}});
  const ranks = [0, 1].map((rank) =>
    startRank(PROGRAM, argument, {
      ...placeVariables(rank, 2, port),
      ...(rank === 1 && {TORCHELASTIC_ERROR_FILE: errorFile}),
    }),
  );
  const [first, second] = await Promise.all(ranks.map(({ended}) => ended));
  t.not(first!.code, 0);
  t.regex(lastError(first!.err)!, /^Rank 1 \(.+, process \d+\) has failed: the disk is on fire$/);
  t.regex(second!.err, /Error: the disk is on fire/);
  const {message} = JSON.parse(await readFile(errorFile, 'utf8'));
  t.is(message.message, 'the disk is on fire');
  t.regex(message.extraInfo.timestamp, /^\d+$/);
});

test.serial('when the model of one process is disposed of during training, the other ends with that', async (t) => {
  const ranks = await startRanks(PROGRAM, 2, run('disposed', {}, {1: {step: 1, kind: 'dispose'}}));
  const [first, second] = await Promise.all(ranks.map(({ended}) => ended));
  t.regex(second!.err, /code: 'DISPOSED'/);
  t.regex(lastError(first!.err)!, /^Rank 1 \(.+, process \d+\) has failed: The model was used after dispose/);
});

test.serial('process.exit() within a step ends the process, which the other one names', async (t) => {
  const ranks = await startRanks(PROGRAM, 2, run('exits', {}, {1: {step: 1, kind: 'exit'}}));
  const [first, second] = await Promise.all(ranks.map(({ended}) => ended));
  t.is(second!.code, 7, second!.err);
  t.is(first!.code, 1);
  t.regex(
    lastError(first!.err)!,
    new RegExp(`^Rank 1 \\(.+, process ${ranks[1]!.child.pid}\\) has ended without a word`),
  );
});

test.serial('a process that hangs is named after the time that it may keep others waiting', async (t) => {
  const options = {distributed: {timeoutMinutes: 0.05}} as const;
  const ranks = await startRanks(PROGRAM, 2, run('hangs', options, {1: {step: 1, kind: 'hang'}}));
  const {code, err} = await ranks[0]!.ended;
  ranks[1]!.child.kill('SIGKILL');
  t.is(code, 1);
  t.regex(lastError(err)!, /^Rank 1 \(.+\) has kept the others waiting for longer than 3 s/);
});

for (const stopped of [0, 1]) {
  ifLinux(`when rank ${stopped} is stopped, it is named, and ends when it goes on; the run is whole`, async (t) => {
    const options = {...toTheEnd, saveEveryMinutes: 1e-6, resume: 'auto'} as const;
    const name = `stopped-${stopped}`;
    const hasty = {...options, distributed: {timeoutMinutes: 0.05}};
    const ranks = await startRanks(PROGRAM, 2, run(name, hasty, {[stopped]: {step: 2, kind: 'stop'}}));
    const {child, ended} = ranks[stopped]!;
    const other = await ranks[1 - stopped]!.ended;
    t.is(other.code, 1);
    t.regex(other.err, /code: 'GROUP_FAILED'/);
    // Without the store, which rank 0 serves, it is not known whether that has ended or is stopped.
    const what = stopped === 0 ? 'has ended without a word, is stopped, or' : '.*longer than 3 s.*: it is stopped, or';
    t.regex(lastError(other.err)!, new RegExp(`^Rank ${stopped} \\(.+, process ${child.pid}\\) ${what} cannot be`));
    child.kill('SIGCONT');
    const {code, err} = await ended;
    t.is(code, 1);
    t.regex(lastError(err)!, new RegExp(`^Rank ${1 - stopped} \\(.+\\) has ended without a word`));
    t.deepEqual(await runRanks<RankOutcome>(PROGRAM, 2, run(name, options)), await uninterrupted());
  });
}

test.serial('an abort in one process ends all after the same step, and the run goes on from there', async (t) => {
  const ranks = await startRanks(PROGRAM, 2, run('parts', toTheEnd, {1: {step: 2, kind: 'abort'}}));
  const [first, second] = await Promise.all(ranks.map(({ended}) => ended));
  t.regex(lastError(first!.err)!, /interrupted in another process of the group, and is saved/);
  t.regex(second!.err, /Error: lunch/);
  const resumed = await runRanks<RankOutcome>(PROGRAM, 2, run('parts', {...toTheEnd, resume: true}));
  t.deepEqual(resumed, await uninterrupted());
});

test.serial('an abort during an evaluation ends it in all processes, and the run goes on from there', async (t) => {
  const options = {epochs: 1, scoreThreshold: 0};
  const argument = {...run('evaluated', options, {1: {step: 6, kind: 'abortEvaluation'}}), validation: 24};
  const ranks = await startRanks(PROGRAM, 2, argument);
  const [first, second] = await Promise.all(ranks.map(({ended}) => ended));
  t.regex(lastError(first!.err)!, /interrupted in another process of the group, and is saved/);
  t.regex(second!.err, /Error: lunch/);
  const resumed = await runRanks<RankOutcome>(PROGRAM, 2, {
    ...run('evaluated', {...options, resume: true}),
    validation: 24,
  });
  t.deepEqual(resumed[1], resumed[0]);
  t.is(resumed[0]!.losses.length, 4);
  t.is(resumed[0]!.scores.length, 1);
});

test.serial('another number of processes goes on with a run, says so, and comes to nearly the same', async (t) => {
  // The rate is low because a change in the last digit may let another proposal win, which is a jump.
  const options = {epochs: 2, lr: 2e-4};
  const ofFour = (name: string, more: Partial<RankRun['options']> = {}, faults: RankRun['faults'] = {}): RankRun => ({
    ...run(name, {...options, ...more}, faults),
    model: {backboneNorm: 'frozen'},
  });
  const [whole] = await runRanks<RankOutcome>(PROGRAM, 1, ofFour('whole-alone', {batchSize: 4}));
  for (const before of [1, 2]) {
    const argument = ofFour(`begun-by-${before}`, {batchSize: 4 / before}, {0: {step: 1, kind: 'abort'}});
    const begun = await startRanks(PROGRAM, before, argument);
    await Promise.all(begun.map(({ended}) => ended));
  }
  for (const [before, now] of [
    [2, 1],
    [1, 2],
    [2, 3],
  ] as const) {
    const name = `from-${before}-to-${now}`;
    await cp(join(folder, `begun-by-${before}`), join(folder, name), {recursive: true});
    // Batches keep their size: with three processes they do not divide evenly.
    const {batchSize: _, ...others} = ofFour(name, {resume: true, log: 'auto'}).options;
    const ranks = await startRanks(PROGRAM, now, {...ofFour(name), options: others});
    const ends = await Promise.all(ranks.map(({ended}) => ended));
    for (const {code, err} of ends) t.is(code, 0, err);
    const said = `Changed since the state was saved: processes ${before} before, ${now} now\\. Results may differ in`;
    t.regex(ends[0]!.err, new RegExp(said));
    const all = ends.map(({out}) => JSON.parse(out) as RankOutcome);
    for (const other of all) t.deepEqual(other, all[0]);
    t.is(all[0]!.losses.length, 4);
    const {most, largest} = difference(all[0]!.weights, whole!.weights);
    t.true(most < 1e-6 * largest, `${name}: weights differ by ${most} of ${largest}`);
  }
});

test.serial('losses that are not finite end all processes alike, with the files of all', async (t) => {
  const ranks = await startRanks(PROGRAM, 2, run('diverges', {lr: 1e30, skipNonFinite: 1}));
  const errors = (await Promise.all(ranks.map(({ended}) => ended))).map(({err}) => lastError(err)!);
  t.regex(
    errors[0]!,
    /^The (losses|gradients) of step \d+ at rate .* must be finite, got .* on blob_\d\.png, blob_\d\.png\.$/,
  );
  t.is(errors[1], errors[0]);
});

test.serial('an image that one process cannot read is left out for all', async (t) => {
  const options = {epochs: 1, lr: 2e-4, unreadable: 'skip'} as const;
  const argument = (name: string, batchSize: number): RankRun => ({
    ...run(name, {...options, batchSize}),
    model: {backboneNorm: 'frozen'},
    unreadable: [2, 5],
  });
  const all = await runRanks<RankOutcome>(PROGRAM, 2, argument('skips', 1));
  const [one] = await runRanks<RankOutcome>(PROGRAM, 1, argument('skips-alone', 2));
  t.deepEqual(all[1], all[0]);
  t.is(all[0]!.losses.length, one!.losses.length);
  const {most, largest} = difference(all[0]!.weights, one!.weights);
  t.true(most < 1e-6 * largest, `weights differ by ${most} of ${largest}`);
});

test.serial('when the disk of rank 0 is full, all end with that, and the state of before serves', async (t) => {
  const options = {...toTheEnd, saveEveryMinutes: 1e-6};
  const argument = run('full', options, {0: {step: 2, kind: 'abort'}});
  await Promise.all((await startRanks(PROGRAM, 2, argument)).map(({ended}) => ended));
  const port = await freePort();
  // Files of rank 0 are limited, which is a full disk for one process.
  const limited = ['bash', '-c', 'ulimit -f 4000 && exec "$0" "$@"'];
  const going = run('full', {...options, resume: true});
  const ranks = [0, 1].map((rank) =>
    startRank(PROGRAM, going, placeVariables(rank, 2, port), rank === 0 ? limited : []),
  );
  const [first, second] = await Promise.all(ranks.map(({ended}) => ended));
  t.regex(first!.err, /code: 'WRITE_FAILED'/);
  t.regex(lastError(second!.err)!, /^Rank 0 \(.+\) has failed: .* could not be written: EFBIG/);
  t.deepEqual(await runRanks<RankOutcome>(PROGRAM, 2, going), await uninterrupted());
});

test.serial('an abort in one process ends evaluate() in all', async (t) => {
  const ranks = await startRanks('test/distributed/interrupted-evaluation.ts', 2, 1);
  const [first, second] = await Promise.all(ranks.map(({ended}) => ended));
  t.is(lastError(first!.err), 'The evaluation was interrupted in another process of the group.');
  t.regex(second!.err, /Error: lunch/);
});
