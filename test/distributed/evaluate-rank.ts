// One process of a group that evaluates the tiny network. Prints the scores and what lies behind them as JSON.
import {evaluate, maskRcnn} from '../../lib/index.js';
import {blobs, tinyModel} from '../tiny.js';

const {images, results} = JSON.parse(process.argv[2]!) as {images: number; results: string};
await using model = await maskRcnn({...tinyModel, boxDetectionsPerImg: 5});
const done: number[] = [];
const scores = await evaluate(model, {
  data: blobs(images),
  scoreThreshold: 0.05,
  results,
  distributed: 'auto',
  onImage: (count) => done.push(count),
});
process.stdout.write(JSON.stringify({scores, done}));
