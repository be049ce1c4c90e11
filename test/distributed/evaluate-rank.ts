// One process of a group that evaluates the tiny network. Prints the scores and what lies behind them as JSON.
import {evaluate, maskRcnn} from '../../lib/index.js';
import {blobs, tinyModel} from '../tiny.js';

type Argument = {images: number; results: string; interrupted?: number};

/** `interrupted`: the rank that aborts its evaluation when its first image is done. */
const {images, results, interrupted} = JSON.parse(process.argv[2]!) as Argument;
const controller = new AbortController();
await using model = await maskRcnn({...tinyModel, boxDetectionsPerImg: 5});
const done: number[] = [];
const scores = await evaluate(model, {
  data: blobs(images),
  scoreThreshold: 0.05,
  results,
  distributed: 'auto',
  signal: controller.signal,
  onImage: (count) => {
    done.push(count);
    if (String(interrupted) === process.env.RANK) controller.abort(new Error('lunch'));
  },
});
process.stdout.write(JSON.stringify({scores, done}));
