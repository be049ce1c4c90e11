/** Ends the process in the middle of a training step. exit.test.ts checks the exit code. */
import {maskRcnn, train} from '../../lib/index.js';
import {blobs, tinyModel} from '../tiny.js';

const model = await maskRcnn({...tinyModel, device: 'cpu'});
train(model, {
  data: blobs(8),
  epochs: 100,
  output: process.argv[2]!,
  log: 'silent',
  onStep: () => setTimeout(() => process.exit(3), 20),
});
