/**
 * What the server costs, on loopback: images per second beside bare predict() on the same images and threads; times at
 * 80 % of that load; memory and unanswered requests at twice the load; malformed bodies. The server is a process of its
 * own, but it shares the processor with the program that asks.
 *
 *   npm run bench:serve -- [--weights FILE] [--size 704x512] [--threads 2] [--seconds 60] [--pairs 3]
 *                          [--overload-minutes 2] [--malformed 10000]
 *
 * Without --weights: ResNet-50 with random weights and 100 objects on each image.
 */
import {execFile} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs, promisify} from 'node:util';
import {type LoadResult, quantile, sendLoad} from './bench/http-load.js';
import {median} from './bench/median.js';
import {program, randomWeights, startServer, waves} from './bench/served.js';

const {values} = parseArgs({
  options: {
    weights: {type: 'string'},
    size: {type: 'string', default: '704x512'},
    threads: {type: 'string', default: '2'},
    seconds: {type: 'string', default: '60'},
    pairs: {type: 'string', default: '3'},
    'overload-minutes': {type: 'string', default: '2'},
    malformed: {type: 'string', default: '10000'},
  },
});
const [width, height] = values.size.split('x').map(Number) as [number, number];
const seconds = Number(values.seconds);
const IMAGES = 4;
/** The time before measurements, in which memory and the queue's mean settle. */
const WARM_UP = 10;

const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-serve-'));
try {
  const weights = values.weights ?? (await randomWeights(folder));
  const bodies = await Promise.all(
    Array.from({length: IMAGES}, (_, i) => waves(width, height, i).jpeg({quality: 90}).toBuffer()),
  );
  const files = bodies.map((_, i) => join(folder, `${i}.jpg`));
  await Promise.all(bodies.map((body, i) => writeFile(files[i]!, body)));

  const measureBare = async () => {
    const {stdout} = await promisify(execFile)(process.execPath, [
      ...program('./serve-bare.ts'),
      ...[weights, values.threads, values.seconds, ...files],
    ]);
    return (JSON.parse(stdout) as {perSecond: number}).perSecond;
  };
  const start = async () => {
    const server = await startServer(weights, ['--threads', values.threads]);
    try {
      const url = `${server.url}/predict?scoreThreshold=0`;
      await sendLoad(url, bodies, {connections: 3}, WARM_UP);
      await server.metrics(); // the longest delay counts from here
      return {server, url};
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  };

  // In turns, because what else the machine does changes from minute to minute.
  const bare: number[] = [];
  const shares: number[] = [];
  for (let pair = 1; pair <= Number(values.pairs); pair++) {
    const alone = await measureBare();
    const {server, url} = await start();
    await using _ = server;
    const full = await sendLoad(url, bodies, {connections: 3}, seconds);
    const served = full.times.length / full.seconds;
    const delay = 1000 * (await server.metrics()).get('nodejs_eventloop_lag_max_seconds')!;
    bare.push(alone);
    shares.push(served / alone);
    console.log(
      `pair ${pair}: bare predict() ${alone.toFixed(3)} images/s, served ${served.toFixed(3)} images/s, ` +
        `${(100 * shares.at(-1)!).toFixed(1)} %; the event loop was held for at most ${delay.toFixed(0)} ms`,
    );
  }
  const perSecond = median(bare);
  console.log(`median of the pairs: ${(100 * median(shares)).toFixed(1)} % of bare predict()`);

  const {server, url} = await start();
  await using _ = server;
  const steady = await sendLoad(url, bodies, {perSecond: 0.8 * perSecond}, seconds);
  const [typical, p99] = [quantile(steady.times, 0.5), quantile(steady.times, 0.99)];
  console.log(
    `at 80 % of that rate: median ${typical.toFixed(2)} s, p99 ${p99.toFixed(2)} s, ${(p99 / typical).toFixed(2)} ×; ${counts(steady)}`,
  );

  const memory = async () => (await server.metrics()).get('process_resident_memory_bytes')! / 1e6;
  await sendLoad(url, bodies, {perSecond: 2 * perSecond}, WARM_UP);
  const before = await memory();
  const minutes = Number(values['overload-minutes']);
  for (let minute = 0; minute < minutes; minute++) {
    const over = await sendLoad(url, bodies, {perSecond: 2 * perSecond}, 60);
    console.log(`minute ${minute + 1} at twice the rate: ${counts(over)}; ${Math.round(await memory())} MB`);
  }
  console.log(`memory before: ${Math.round(before)} MB, after: ${Math.round(await memory())} MB`);

  const malformed = await sendMalformed(url, bodies, Number(values.malformed));
  const after = await sendLoad(url, bodies, {connections: 1}, 1);
  console.log(`malformed bodies: ${counts(malformed)}; then ${counts(after)}; ${Math.round(await memory())} MB`);
} finally {
  await rm(folder, {recursive: true, force: true});
}

/** Sends `number` images with bytes changed or cut off, one after the other, the same ones in each run. */
async function sendMalformed(url: string, bodies: readonly Uint8Array[], number: number): Promise<LoadResult> {
  let state = 1;
  const random = (below: number) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const result: LoadResult = {seconds: 0, times: [], statuses: {}, unanswered: 0};
  for (let i = 0; i < number; i++) {
    const bytes = Uint8Array.from(bodies[i % bodies.length]!);
    // Most damage is at the beginning: an image of which a few pixels are damaged is predicted on, which takes long.
    for (let n = 0; n <= random(8); n++) bytes[random(i % 20 === 0 ? bytes.length : 4)] = random(256);
    const body = i % 3 === 0 ? bytes.slice(0, random(bytes.length)) : bytes;
    try {
      const {status} = await fetch(url, {method: 'POST', body});
      result.statuses[status] = (result.statuses[status] ?? 0) + 1;
    } catch {
      result.unanswered++;
    }
  }
  return result;
}

function counts({statuses, unanswered}: LoadResult): string {
  const answers = Object.entries(statuses).map(([status, number]) => `${number} × ${status}`);
  return `${answers.join(', ')}, ${unanswered} unanswered`;
}
