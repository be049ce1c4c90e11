import {setTimeout} from 'node:timers/promises';
import test from 'ava';
import {maskRcnn} from '../../../lib/index.js';

/**
 * Size in bytes of the large weights among ResNet-50's 44 million parameters, with some room for the rest of the
 * process.
 */
const LARGE_WEIGHTS = 140e6;

// On other systems, the C library decides when memory is returned.
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('dispose() gives the memory of the weights back', async (t) => {
  const model = await maskRcnn({numClasses: 91, seed: 1});
  const before = process.memoryUsage.rss();
  model.dispose();
  for (let wait = 0; wait < 100 && before - process.memoryUsage.rss() < LARGE_WEIGHTS; wait++) await setTimeout(100);
  t.true(before - process.memoryUsage.rss() >= LARGE_WEIGHTS);
});
