// Prints, as JSON, what threads.test.ts asks for. Arguments: the option `threads` of each model, in order.
import {readdirSync} from 'node:fs';
import {loadBinding} from '../../lib/addon/binding.js';
import {maskRcnn} from '../../lib/index.js';
import {tinyModel} from '../tiny.js';

const running = () => readdirSync('/proc/self/task').length;
const image = {data: new Uint8Array(64 * 64 * 3).fill(99), width: 64, height: 64};

const models = [];
for (const threads of process.argv.slice(2).map(Number)) {
  const model = await maskRcnn({...tinyModel, device: 'cpu', threads});
  const before = running();
  await model.predict(image);
  models.push({threads: model.options.threads, started: running() - before});
}
const {threads} = (await loadBinding()).environment();
console.log(JSON.stringify({threads, models, spinCount: process.env.GOMP_SPINCOUNT}));
