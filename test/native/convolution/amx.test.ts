import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import {largestDifference} from '../fixture.js';
import {inBfloat16, noise} from '../noise.js';
import {naiveWeightGradient} from '../oracles/convolution.js';

const {ops, environment} = await loadBinding();
const {amx} = environment();
const onAmx = amx ? test : test.skip;
if (!amx) console.log('skipped: this processor has no AMX');

const cases = fc.record({
  images: fc.integer({min: 1, max: 3}),
  channels: fc.constantFrom(32, 64, 96, 128),
  outputs: fc.constantFrom(32, 64, 96),
  height: fc.integer({min: 1, max: 9}),
  width: fc.integer({min: 1, max: 40}),
  side: fc.constantFrom(1, 3),
  seed: fc.nat(1000),
});

onAmx('the gradient with respect to the weights is that of the convolution, for every size', (t) => {
  fc.assert(
    fc.property(cases, ({images, channels, outputs, height, width, side, seed}) => {
      const input = inBfloat16(noise(images * channels * height * width, seed));
      const grad = inBfloat16(noise(images * outputs * height * width, seed + 1));
      const shape: [number, number, number, number] = [images, channels, height, width];
      const expected = naiveWeightGradient(input, shape, grad, outputs, side);
      const got = ops.amxWeightGradient(input, shape, grad, outputs, side);
      // The sums have at most 1080 products of such numbers, and float32 rounds such a sum by 6e-5.
      t.true(largestDifference(got, expected) < 3e-4);
    }),
    {numRuns: 30},
  );
});

onAmx('the pixels of large maps are summed some at a time, by all threads, to the same result', (t) => {
  for (const side of [1, 3]) {
    const [images, channels, outputs, height, width] = [2, 32, 32, 61, 83];
    const input = inBfloat16(noise(images * channels * height * width, 1));
    const grad = inBfloat16(noise(images * outputs * height * width, 2));
    const shape: [number, number, number, number] = [images, channels, height, width];
    const expected = naiveWeightGradient(input, shape, grad, outputs, side);
    const got = ops.amxWeightGradient(input, shape, grad, outputs, side);
    // float32 rounds each sum by up to 6e-8, and a thread adds up thousands of products.
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    t.true(largestDifference(got, expected) < 3e-6 * largest);
  }
});

onAmx('sizes that do not fit are refused', (t) => {
  const call = (channels: number, outputs: number, side: number, length = outputs) =>
    ops.amxWeightGradient(new Float32Array(channels), [1, channels, 1, 1], new Float32Array(length), outputs, side);
  t.notThrows(() => call(32, 32, 3));
  t.throws(() => call(32, 32, 3, 31), {instanceOf: RangeError});
  t.throws(() => call(31, 32, 3), {instanceOf: RangeError});
  t.throws(() => call(32, 16, 3), {instanceOf: RangeError});
  t.throws(() => call(32, 32, 2), {instanceOf: RangeError});
});
