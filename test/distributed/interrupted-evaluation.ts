// One process of a group that evaluates the tiny network. The rank that the argument names aborts after an image.
import {evaluate, maskRcnn} from '../../lib/index.js';
import {blobs, tinyModel} from '../tiny.js';

const interrupted = JSON.parse(process.argv[2]!) as number;
const controller = new AbortController();
await using model = await maskRcnn(tinyModel);
await evaluate(model, {
  data: blobs(24),
  distributed: 'auto',
  signal: controller.signal,
  onImage: () => {
    if (process.env.RANK === String(interrupted)) controller.abort(new Error('lunch'));
  },
});
