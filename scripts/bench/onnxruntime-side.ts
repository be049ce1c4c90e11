/**
 * The onnxruntime-node side of bench.ts. Arguments: DIR PACKAGES, where PACKAGES is a folder in which it is installed.
 * Reports when it is ready, then runs once for each line that it reads.
 */
import {readFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import type {Check, Task} from './task.js';

/** The used part of onnxruntime-node's interface, which is not a dependency of this package. */
type Onnxruntime = {
  Tensor: new (type: 'float32', data: Float32Array, dims: number[]) => unknown;
  InferenceSession: {
    create(
      file: string,
      options: object,
    ): Promise<{run(inputs: object): Promise<Record<string, {data: Float32Array}>>}>;
  };
};

const [folder, packages] = process.argv.slice(2) as [string, string];
const {Tensor, InferenceSession} = createRequire(join(packages, 'package.json'))('onnxruntime-node') as Onnxruntime;
const task = JSON.parse(await readFile(join(folder, 'task.json'), 'utf8')) as Task;
const session = await InferenceSession.create(join(folder, 'network.onnx'), {
  logSeverityLevel: 3, // it warns about each mask that is pasted
  intraOpNumThreads: Number(process.env.OMP_NUM_THREADS),
  executionProviders: ['cpu'],
});
const {pixels: file, width, height} = task.images[0]!;
const pixels = new Uint8Array(await readFile(join(folder, file)));
const values = Float32Array.from({length: pixels.length}, (_, i) => {
  const plane = Math.floor(i / (width * height));
  return pixels[(i % (width * height)) * 3 + plane]! / 255;
});

/**
 * Converts masks to bitmaps, as users do. It uses a loop because the methods of typed arrays take several times as
 * long.
 */
function threshold(masks: Float32Array): Uint8Array {
  const bitmaps = new Uint8Array(masks.length);
  for (let i = 0; i < masks.length; i++) bitmaps[i] = masks[i]! > 0.5 ? 1 : 0;
  return bitmaps;
}

async function run(): Promise<Check> {
  const image = new Tensor('float32', values, [3, height, width]);
  const {boxes, scores, masks} = await session.run({image});
  threshold(masks!.data);
  return {boxes: [...boxes!.data], scores: [...scores!.data]};
}

console.log(JSON.stringify(await run()));
for await (const _ of createInterface({input: process.stdin})) {
  const start = performance.now();
  await run();
  console.log(JSON.stringify({seconds: (performance.now() - start) / 1000}));
}
console.log(JSON.stringify({peakMiB: process.resourceUsage().maxRSS / 1024}));
