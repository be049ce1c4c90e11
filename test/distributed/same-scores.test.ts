import {readFile, rm} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {temporaryFolder} from '../examples/run-example.js';
import {runRanks} from './ranks.js';

let folder: string;
test.before(async () => {
  folder = await temporaryFolder();
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

type Outcome = {scores: {details: {images: {file: string}[]}}; done: number[]};

async function evaluate(size: number, images: number): Promise<{all: Outcome[]; results: string}> {
  const results = join(folder, `${size}-${images}.json`);
  const all = await runRanks<Outcome>('test/distributed/evaluate-rank.ts', size, {images, results});
  return {all, results: await readFile(results, 'utf8')};
}

test('1, 2 and 3 processes have the same scores to the last digit, also with fewer images than processes', async (t) => {
  for (const [images, sizes] of [
    [5, [2, 3]],
    [1, [2]],
  ] as const) {
    const {
      all: [one],
      results,
    } = await evaluate(1, images);
    t.is(one!.scores.details.images.length, images);
    for (const size of sizes) {
      const shared = await evaluate(size, images);
      for (const {scores} of shared.all) t.deepEqual(scores, one!.scores, `${size} processes`);
      t.is(shared.results, results);
    }
  }
});

test('each process tells of its own part of the images', async (t) => {
  const {all} = await evaluate(2, 3);
  t.deepEqual(
    all.map(({done}) => done),
    [[2, 3], [2]],
  );
});
