/**
 * Checks that processes with a GPU each train as one process with all of their images, that their sums may be bfloat16,
 * and that one that is killed is named. The processes are those of the tests of groups on CPUs.
 */
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import type {ModelOptions} from '../../lib/index.js';
import {runRanks, startRanks} from '../../test/distributed/ranks.js';
import type {RankOutcome, RankRun} from '../../test/distributed/train-rank.js';
import {difference} from '../../test/distributed/weights.js';
import {halfBackbone} from '../../test/tiny.js';
import {type Check, within} from './checks.js';

export type GroupSubject = {
  processes: number;
  /** 'cuda', of which each process takes a GPU of its own. */
  device: NonNullable<ModelOptions['device']>;
  /** For the folders of the runs. */
  folder: string;
};

const PROGRAM = 'test/distributed/train-rank.ts';

/** Relative. A GPU adds up in another order each time. */
const LOSS_TOLERANCE = 1e-3;
/** Of the largest weight. */
const WEIGHT_TOLERANCE = 1e-4;
/** Relative, of the norm of all gradients. A ReLU that opens or closes changes it; bfloat16 has 8 significant bits. */
const NORM_TOLERANCES = {float32: 0.01, bfloat16: 0.05} as const;
/** Seconds until all others must have ended. */
const LONGEST_END = 10;

type Changes = {
  model: NonNullable<RankRun['model']>;
  distributed?: NonNullable<RankRun['options']['distributed']>;
  lr?: number;
};

export async function* checkGroup(subject: GroupSubject): AsyncGenerator<Check> {
  const name = `${subject.processes} processes`;
  yield* compare(subject, name, {model: {backboneNorm: 'frozen'}});
  // So many ReLUs after norms open and close that weights must not move.
  const synced = {model: {backboneNorm: 'batch'}, distributed: {syncBatchNorm: true}, lr: 1e-6} as const;
  yield* compare(subject, `${name} with syncBatchNorm`, synced);
  yield* checkRounded(subject);
  yield* checkKilled(subject);
}

/** Ten steps, the last batch of each epoch with one image, which only rank 0 has. */
function tenSteps({device, processes, folder}: GroupSubject, size: number, {model, distributed, lr}: Changes): RankRun {
  return {
    model: {...halfBackbone, ...model, device, tf32: 'none'},
    images: processes + 1,
    options: {
      epochs: 5,
      batchSize: processes / size,
      lr: lr ?? 2e-4,
      schedule: 'constant',
      warmup: 0,
      distributed: distributed ?? 'auto',
      output: join(folder, `run-${size}`),
    },
  };
}

async function train(subject: GroupSubject, size: number, changes: Changes): Promise<RankOutcome[]> {
  const outcomes = await runRanks<RankOutcome>(PROGRAM, size, tenSteps(subject, size, changes));
  await rm(join(subject.folder, `run-${size}`), {recursive: true, force: true});
  return outcomes;
}

async function* compare(subject: GroupSubject, name: string, changes: Changes): AsyncGenerator<Check> {
  const [one] = await train(subject, 1, changes);
  const [first, ...others] = await train(subject, subject.processes, changes);
  const same = others.filter(({digest}) => JSON.stringify(digest) === JSON.stringify(first!.digest)).length;
  yield {
    name: `${name}: weights of all`,
    isRight: same === others.length,
    detail: `${same + 1} of ${subject.processes} the same`,
  };
  const losses = first!.losses.flatMap((values, step) =>
    Object.entries(values).map(([key, loss]) => Math.abs(loss - one!.losses[step]![key]!) / (1 + loss)),
  );
  yield within(`${name}: losses of ${first!.losses.length} steps`, Math.max(...losses), LOSS_TOLERANCE);
  const norms = first!.norms.map((norm, step) => Math.abs(norm / one!.norms[step]! - 1));
  yield within(`${name}: norms of the gradients`, Math.max(...norms), NORM_TOLERANCES.float32);
  const {most, largest} = difference(first!.weights, one!.weights);
  yield within(`${name}: weights after them`, most / largest, WEIGHT_TOLERANCE);
}

async function* checkRounded(subject: GroupSubject): AsyncGenerator<Check> {
  const model = {backboneNorm: 'frozen'} as const;
  const [exact] = await train(subject, subject.processes, {model});
  const [rounded] = await train(subject, subject.processes, {model, distributed: {gradients: 'bfloat16'}});
  const off = Math.abs(rounded!.norms[0]! / exact!.norms[0]! - 1);
  yield within('sums in bfloat16: norm of the first gradients', off, NORM_TOLERANCES.bfloat16);
}

async function* checkKilled(subject: GroupSubject): AsyncGenerator<Check> {
  const {options, ...run} = tenSteps(subject, subject.processes, {model: {backboneNorm: 'frozen'}});
  const ranks = await startRanks(PROGRAM, subject.processes, {...run, options: {...options, epochs: 1000}});
  const victim = ranks.at(-1)!;
  await new Promise<void>((done) => {
    ranks[0]!.child.stderr!.on('data', (text) => {
      if (String(text).includes('step 5')) done();
    });
    ranks[0]!.ended.then(() => done());
  });
  victim.child.kill('SIGKILL');
  const killed = performance.now();
  const ends = await Promise.all(ranks.slice(0, -1).map(({ended}) => ended));
  const seconds = (performance.now() - killed) / 1000;
  yield {
    name: 'a killed process: time until the others end',
    isRight: seconds < LONGEST_END,
    detail: `${seconds.toFixed(1)} s of ${LONGEST_END}`,
  };
  const told = ends.filter(({err}) => err.includes(`Rank ${ranks.length - 1} (`) && err.includes('GROUP_FAILED'));
  yield {name: 'a killed process is named', isRight: told.length === ends.length, detail: `by ${told.length}`};
}
