/**
 * Trains a tiny network for two steps on tiles of a large image. Prints JSON: the peak memory of the process, how many
 * tiles there are, and the sum of the losses.
 */
import {join} from 'node:path';
import {maskRcnn, openDataset, tiles, train} from '../../lib/index.js';
import {tinyModel} from '../tiny.js';

const folder = process.argv[2]!;
const data = await tiles(await openDataset(folder), {size: 512, overlap: 64, emptyShare: 0});
await using model = await maskRcnn({...tinyModel, classes: data.classes});
const {history} = await train(model, {
  data,
  output: join(folder, 'run'),
  epochs: 1,
  batchSize: Math.ceil(data.length / 2),
  log: 'silent',
});
const loss = history.steps.reduce((sum, step) => sum + step.loss, 0);
const megabytes = (process.resourceUsage().maxRSS * 1024) / 1e6;
console.log(JSON.stringify({megabytes, tiles: data.length, steps: history.steps.length, loss}));
