/**
 * Two models in one process. Arguments: DIR THREADS ROUNDS. Prints the seconds per image of one model that predicts
 * alone with the default of `threads`, and of two models of THREADS that predict at once.
 */
import {join} from 'node:path';
import {type MaskRcnn, maskRcnn} from '../../lib/index.js';
import {median} from './median.js';
import {readTask} from './task.js';

const [folder, threads, rounds] = process.argv.slice(2) as [string, string, string];
/** Images that each model gets in a round. */
const IMAGES = 4;

const {task, samples} = await readTask(folder);
const options = {weights: join(folder, task.weights), device: 'cpu'} as const;
await using alone = await maskRcnn(options);
await using first = await maskRcnn({...options, threads: Number(threads)});
await using second = await maskRcnn({...options, threads: Number(threads)});
const times = {one: [] as number[], two: [] as number[]};
for (let round = 0; round <= Number(rounds); round++) {
  const one = await secondsPerImage([alone]);
  const two = await secondsPerImage([first, second]);
  // The first round fills caches.
  if (round > 0) for (const [name, value] of Object.entries({one, two})) times[name as 'one'].push(value);
}
console.log(JSON.stringify({one: median(times.one), two: median(times.two)}));

async function secondsPerImage(models: readonly MaskRcnn[]): Promise<number> {
  const start = performance.now();
  const predict = async (model: MaskRcnn) => {
    for (let i = 0; i < IMAGES; i++) await model.predict(samples[0]!.image, {maskFormat: 'bitmap'});
  };
  await Promise.all(models.map(predict));
  return (performance.now() - start) / 1000 / (IMAGES * models.length);
}
