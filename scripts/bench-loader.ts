/**
 * Measures the throughput of reading and augmenting alone, in images per second, and compares it with what training
 * needs:
 *
 *   npx tsx scripts/bench-loader.ts FOLDER [--augment NAME] [--step-seconds S]
 *
 * FOLDER is read by `MaskFolder`. S is the duration of a training step of two images, as shown in the training log.
 */
import {parseArgs} from 'node:util';
import {AUGMENT_NAMES, type AugmentName, toAugmentation} from '../lib/augment/presets.js';
import {MaskFolder} from '../lib/index.js';
import {createLoader} from '../lib/train/loader.js';

const BATCH_SIZE = 2;

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {augment: {type: 'string'}, 'step-seconds': {type: 'string'}},
});
const [folder] = positionals;
if (folder === undefined) throw new Error('One folder is needed.');
const names = values.augment === undefined ? AUGMENT_NAMES : [values.augment as AugmentName];
const data = await MaskFolder.open(folder, {classes: ['object']});

/** Images per second over one epoch, and the longest wait for a batch in milliseconds. */
async function measure(name: AugmentName): Promise<{rate: number; longest: number}> {
  const loader = createLoader(data, {batchSize: BATCH_SIZE, augment: toAugmentation(name)});
  const began = performance.now();
  let images = 0;
  let longest = 0;
  for await (const {samples, waitMs} of loader.epoch(0)) {
    images += samples.length;
    longest = Math.max(longest, waitMs);
  }
  return {rate: (images * 1000) / (performance.now() - began), longest};
}

console.log(`${data.length} images, batches of ${BATCH_SIZE}, 2 ahead`);
for (const name of names) {
  const {rate, longest} = await measure(name);
  console.log(`${name.padEnd(12)} ${rate.toFixed(1).padStart(7)} images/s   longest wait ${longest.toFixed(0)} ms`);
}
if (values['step-seconds'] !== undefined) {
  const step = Number(values['step-seconds']);
  console.log(`${'training'.padEnd(12)} ${(BATCH_SIZE / step).toFixed(1).padStart(7)} images/s at ${step} s per step`);
}
