/** Makes a first prediction from scratch, as a user's script does. Argument: DIR. For bench.ts. */
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {maskRcnn} from 'maskrcnn';

const folder = process.argv[2];
const task = JSON.parse(await readFile(join(folder, 'task.json'), 'utf8'));
const model = await maskRcnn({weights: join(folder, task.weights), device: 'cpu'});
const {pixels, width, height} = task.images[0];
const data = new Uint8Array(await readFile(join(folder, pixels)));
await model.predict({data, width, height});
console.log(JSON.stringify({peakMiB: process.resourceUsage().maxRSS / 1024}));
