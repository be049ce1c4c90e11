import {maskRcnn, train} from '../../lib/index.js';
import {tinyModel} from '../tiny.js';
import {interruptible} from './interruptible.js';

const model = await maskRcnn(tinyModel);
await train(model, {
  ...interruptible(process.argv[2]!),
  resume: 'auto',
  onStep: ({step}) => process.stdout.write(`step ${step}\n`),
});
