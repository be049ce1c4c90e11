import {readFile, rm} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {temporaryFolder} from '../examples/run-example.js';
import type {EvaluationOutcome, RankEvaluation} from './evaluate-rank.js';
import {runRanks} from './ranks.js';

/** Numbers of images: the second one is smaller than any group. */
const IMAGES = [5, 1] as const;

let folder: string;
test.before(async () => {
  folder = await temporaryFolder();
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

/** By rank and by number of images. */
async function evaluate(size: number): Promise<{all: EvaluationOutcome[][]; results: string[]}> {
  const sets: RankEvaluation[] = IMAGES.map((images) => ({images, results: join(folder, `${size}-${images}.json`)}));
  const all = await runRanks<EvaluationOutcome[]>('test/distributed/evaluate-rank.ts', size, sets);
  return {all, results: await Promise.all(sets.map(({results}) => readFile(results, 'utf8')))};
}

test('1, 2 and 3 processes have the same scores to the last digit, also with fewer images than processes', async (t) => {
  const {
    all: [one],
    results,
  } = await evaluate(1);
  t.deepEqual(
    one!.map(({scores}) => scores.details.images.length),
    [...IMAGES],
  );
  for (const size of [2, 3]) {
    const shared = await evaluate(size);
    for (const outcomes of shared.all) {
      for (const [i, {scores}] of outcomes.entries()) t.deepEqual(scores, one![i]!.scores, `${size} processes`);
    }
    t.deepEqual(shared.results, results);
    // Each process tells of its own part of the images.
    t.deepEqual(
      shared.all.map(([five]) => five!.done.length),
      size === 2 ? [3, 2] : [2, 2, 1],
    );
  }
});
