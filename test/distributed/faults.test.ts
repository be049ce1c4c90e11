import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {freePort, placeVariables, type Rank, runRanks, startRank, startRanks} from './ranks.js';
import type {RankOutcome, RankRun} from './train-rank.js';

let folder: string;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-faults-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const PROGRAM = 'test/distributed/train-rank.ts';
const FREEZE = ['backbone.body', 'roi_heads.box_head'];

function run(name: string, options: Partial<RankRun['options']> = {}, faults: RankRun['faults'] = {}): RankRun {
  return {
    images: 8,
    faults,
    options: {
      epochs: 100,
      batchSize: 1,
      warmup: 0,
      freeze: FREEZE,
      distributed: 'auto',
      ...options,
      output: join(folder, name),
    },
  };
}

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

const lastError = (text: string) => /MaskRcnnError: (.*)/.exec(text)?.[1];

for (const killed of [0, 1]) {
  test.serial(`when rank ${killed} is killed, the other ends with an error that says so`, async (t) => {
    const ranks = await startRanks(PROGRAM, 2, run(`killed-${killed}`));
    await Promise.all(ranks.map(firstStep));
    ranks[killed]!.child.kill('SIGKILL');
    const {code, err} = await ranks[1 - killed]!.ended;
    t.is(code, 1);
    t.regex(err, /code: 'GROUP_FAILED'/);
    if (killed === 1) {
      t.regex(lastError(err)!, new RegExp(`^Rank 1 \\(.+, process ${ranks[1]!.child.pid}\\) has ended without a word`));
    } else {
      t.regex(lastError(err)!, /^The group's store at 127\.0\.0\.1:\d+ does not answer any more.* has ended\.$/);
    }
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

test.serial('a process that hangs is named after the time that it may keep others waiting', async (t) => {
  const options = {distributed: {timeoutMinutes: 0.05}} as const;
  const ranks = await startRanks(PROGRAM, 2, run('hangs', options, {1: {step: 1, kind: 'hang'}}));
  const {code, err} = await ranks[0]!.ended;
  ranks[1]!.child.kill('SIGKILL');
  t.is(code, 1);
  t.regex(lastError(err)!, /^Rank 1 \(.+\) has kept the others waiting for longer than 3 s/);
});

test.serial('a process that does not come is named', async (t) => {
  const port = await freePort();
  const argument = run('alone', {distributed: {timeoutMinutes: 0.01}});
  const {code, err} = await startRank(PROGRAM, argument, placeVariables(0, 2, port)).ended;
  t.is(code, 1);
  t.regex(lastError(err)!, /^All 2 ranks must join within 0\.6 s, and these have not: 1\.$/);
});

test.serial('an abort in one process ends all after the same step, and the run goes on from there', async (t) => {
  const options = {epochs: 2, ema: true};
  const whole = await runRanks<RankOutcome>(PROGRAM, 2, run('whole', options));
  const ranks = await startRanks(PROGRAM, 2, run('parts', options, {1: {step: 2, kind: 'abort'}}));
  const [first, second] = await Promise.all(ranks.map(({ended}) => ended));
  t.regex(lastError(first!.err)!, /interrupted in another process of the group, and is saved/);
  t.regex(second!.err, /Error: lunch/);
  const resumed = await runRanks<RankOutcome>(PROGRAM, 2, run('parts', {...options, resume: true}));
  t.deepEqual(resumed, whole);
});
