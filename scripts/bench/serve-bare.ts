// Images per second of predict() without a server: WEIGHTS THREADS SECONDS IMAGE... Prints JSON.
import {readFile} from 'node:fs/promises';
import {maskRcnn} from '../../lib/index.js';

const [weights, threads, seconds, ...files] = process.argv.slice(2) as [string, string, string, ...string[]];
const images = await Promise.all(files.map((file) => readFile(file)));
await using model = await maskRcnn({weights, threads: Number(threads)});
await model.predict(images, {scoreThreshold: 0}); // the first calls allocate
const began = performance.now();
let done = 0;
while (performance.now() - began < 1000 * Number(seconds)) {
  // All in one call, so that the next is decoded while one is computed.
  await model.predict(images, {scoreThreshold: 0});
  done += images.length;
}
console.log(JSON.stringify({perSecond: (1000 * done) / (performance.now() - began)}));
