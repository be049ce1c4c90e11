import {setTimeout} from 'node:timers/promises';
import test from 'ava';
import {maskRcnn} from '../../../lib/index.js';

/** Of ResNet-50's 44 million parameters the large ones, with room for what the process does besides. */
const LARGE_WEIGHTS = 140e6;

// Elsewhere the C library decides.
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('dispose() gives the memory of the weights back', async (t) => {
  const model = await maskRcnn({numClasses: 91, seed: 1});
  const before = process.memoryUsage.rss();
  model.dispose();
  for (let wait = 0; wait < 100 && before - process.memoryUsage.rss() < LARGE_WEIGHTS; wait++) await setTimeout(100);
  t.true(before - process.memoryUsage.rss() >= LARGE_WEIGHTS);
});
