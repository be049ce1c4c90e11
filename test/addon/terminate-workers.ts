/**
 * Terminates worker threads at random moments while calls of the addon are under way in them. terminate.test.ts checks
 * that the process lives on. Arguments: the number of rounds, and 'calls' or 'model' for what the workers do.
 */
import {isMainThread, parentPort, workerData} from 'node:worker_threads';
import {loadBinding} from '../../lib/addon/binding.js';
import {maskRcnn} from '../../lib/index.js';
import {startWorker} from '../program.js';
import {blobSample, tinyModel} from '../tiny.js';

if (isMainThread) {
  const [rounds, work] = process.argv.slice(2);
  for (let i = 0; i < Number(rounds); i++) {
    const worker = startWorker(import.meta.filename, work);
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    await worker.terminate();
  }
} else if (workerData === 'calls') {
  const {rle, pixels} = await loadBinding();
  const square = {points: Float64Array.of(0, 0, 3, 0, 3, 3, 0, 3), ends: Int32Array.of(8)};
  const lane = async () => {
    for (;;) {
      await rle.readSegmentations([square, '`0'], 4, 4, true);
      await pixels.adjustColors(new Uint8Array(12), [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]);
      rle.decode(rle.encode(new Uint8Array(16), 4, 4), 4, 4);
    }
  };
  for (let i = 0; i < 8; i++) void lane();
  parentPort!.postMessage('started');
} else {
  const model = await maskRcnn({...tinyModel, device: 'cpu'});
  const {image} = blobSample(1);
  const lane = async () => {
    for (;;) await model.predict(image);
  };
  for (let i = 0; i < 4; i++) void lane();
  parentPort!.postMessage('started');
}
