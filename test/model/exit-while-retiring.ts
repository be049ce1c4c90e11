/**
 * Runs in a worker thread, as ava's tests do. Ends the worker when the model's own thread has ended but the worker has
 * not yet been notified. exit.test.ts checks the exit code of the process.
 */
import {isMainThread} from 'node:worker_threads';
import {maskRcnn} from '../../lib/index.js';
import {startWorker} from '../program.js';
import {tinyModel} from '../tiny.js';

if (isMainThread) {
  for (let i = 0; i < 3; i++) {
    const worker = startWorker(import.meta.filename);
    await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  }
} else {
  const model = await maskRcnn({...tinyModel, device: 'cpu'});
  model.dispose();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  process.exit(0);
}
