// One process of a group that evaluates the tiny network on several data sets. Prints the scores and what lies behind
// them as JSON.
import {evaluate, maskRcnn} from '../../lib/index.js';
import {blobs, tinyModel} from '../tiny.js';

/** What the argument of the program lists: the number of images, and the file for the results. */
export type RankEvaluation = {images: number; results: string};

export type EvaluationOutcome = {scores: Awaited<ReturnType<typeof evaluate>>; done: number[]};

const outcomes: EvaluationOutcome[] = [];
await using model = await maskRcnn({...tinyModel, boxDetectionsPerImg: 5});
for (const {images, results} of JSON.parse(process.argv[2]!) as RankEvaluation[]) {
  const done: number[] = [];
  const scores = await evaluate(model, {
    data: blobs(images),
    scoreThreshold: 0.05,
    results,
    distributed: 'auto',
    onImage: (count) => done.push(count),
  });
  outcomes.push({scores, done});
}
process.stdout.write(JSON.stringify(outcomes));
