/**
 * Detects on one image again and again, and prints as JSON: the median and the least time of a detection, the mean CPU
 * time of one, and the peak memory of the process in bytes. Arguments: KIND FILE IMAGE WIDTH HEIGHT THREADS RUNS BATCH.
 * KIND: 'addon' for weights, 'runtime' for `maskrcnn/onnx`, 'session' for the session alone, 'batch' for a file of
 * batches, with the image BATCH times in each (figures are for each image), 'torchvision' for torchvision's own export.
 */
import {readFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import type * as Ort from 'onnxruntime-node';
import {loadOnnx} from '../../lib/onnx-runtime/index.js';
import {median} from './median.js';

const [kind, file, image, ...numbers] = process.argv.slice(2) as [string, string, string, ...string[]];
const [width, height, threads, runs, batch] = numbers.map(Number) as [number, number, number, number, number];
const data = new Uint8Array(await readFile(image));

/** Resolves to the number of detections. */
async function opened(): Promise<() => Promise<number>> {
  if (kind === 'addon') {
    const {maskRcnn} = await import('../../lib/index.js');
    const model = await maskRcnn({weights: file, device: 'cpu', threads});
    return async () => (await model.predict({data, width, height}))[0].scores.length;
  }
  // Only here, so that the addon is measured without it.
  const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof Ort;
  const sessionOptions = {intraOpNumThreads: threads};
  if (kind === 'runtime') {
    const model = await loadOnnx(await readFile(file), {ort, sessionOptions});
    return async () => (await model.predict({data, width, height})).scores.length;
  }
  const session = await ort.InferenceSession.create(file, sessionOptions);
  const name = session.inputNames[0]!;
  const tensor =
    kind === 'batch'
      ? new ort.Tensor('uint8', Buffer.concat(Array(batch).fill(data)), [batch, height, width, 3])
      : new ort.Tensor('uint8', data, [height, width, 3]);
  const planes = Float32Array.from({length: data.length}, (_, i) => {
    const [channel, pixel] = [Math.floor(i / (width * height)), i % (width * height)];
    return data[pixel * 3 + channel]! / 255;
  });
  const floats = new ort.Tensor('float32', planes, [3, height, width]);
  return async () => {
    const outputs = await session.run({[name]: kind === 'torchvision' ? floats : tensor});
    return outputs[session.outputNames[0]!]!.dims[0]! / batch;
  };
}

const detect = await opened();
let detections = await detect();
const times: number[] = [];
const start = process.cpuUsage();
for (let run = 0; run < runs; run++) {
  const began = performance.now();
  detections = await detect();
  times.push((performance.now() - began) / 1000 / batch);
}
const {user, system} = process.cpuUsage(start);
const cpuSeconds = (user + system) / 1e6 / runs / batch;
const peak = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({seconds: median(times), least: Math.min(...times), cpuSeconds, peak, detections}));
process.exit(0); // without waiting for the threads of the addon
