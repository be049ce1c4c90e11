import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import {Random} from '../../../lib/basics/random.js';
import {largestDifference} from '../fixture.js';
import {inBfloat16, noise} from '../noise.js';
import {naiveConvolution, naiveWeightGradient} from '../oracles/convolution.js';

const {ops} = await loadBinding();

type Shape = [number, number, number, number];

/** Products have 64 columns at once. */
const channels = fc.oneof({weight: 8, arbitrary: fc.integer({min: 1, max: 19})}, fc.constantFrom(63, 64, 66));
const cases = fc.record({
  shape: fc.tuple(
    fc.integer({min: 1, max: 7}), // several share tiles
    channels,
    fc.integer({min: 1, max: 9}),
    fc.integer({min: 1, max: 9}),
  ) as fc.Arbitrary<Shape>,
  outputs: channels,
  seed: fc.nat(1000),
});
/** The sums have at most 594 products of such numbers. float32 rounds such a sum by 3e-5, and a few errors add up. */
const TOLERANCE = 2e-4;

test('it is the convolution, for every size', (t) => {
  fc.assert(
    fc.property(cases, ({shape, outputs, seed}) => {
      const input = noise(
        shape.reduce((a, b) => a * b),
        seed,
      );
      const weight = noise(outputs * shape[1] * 9, seed + 1);
      const bias = noise(outputs, seed + 2);
      const expected = naiveConvolution(input, shape, weight, outputs, bias);
      t.true(largestDifference(ops.winogradConvolution(input, shape, weight, outputs, bias), expected) < TOLERANCE);
    }),
  );
});

test('bfloat16 rounds the images and the result, and nothing else; ReLU makes negative numbers 0', (t) => {
  fc.assert(
    fc.property(cases, ({shape, outputs, seed}) => {
      const input = inBfloat16(
        noise(
          shape.reduce((a, b) => a * b),
          seed,
        ),
      );
      const weight = noise(outputs * shape[1] * 9, seed + 1);
      const bias = noise(outputs, seed + 2);
      const expected = naiveConvolution(input, shape, weight, outputs, bias);
      const got = ops.winogradConvolution(input, shape, weight, outputs, bias, {bfloat16: true, relu: true});
      for (const [i, value] of expected.entries()) {
        t.true(Math.abs(got[i]! - Math.max(value, 0)) <= Math.abs(value) * 2 ** -8 + TOLERANCE);
      }
    }),
  );
});

test('its gradient with respect to the weights is that of the convolution, for every size', (t) => {
  fc.assert(
    fc.property(cases, ({shape, outputs, seed}) => {
      const input = noise(
        shape.reduce((a, b) => a * b),
        seed,
      );
      const grad = noise(shape[0] * outputs * shape[2] * shape[3], seed + 1);
      const expected = naiveWeightGradient(input, shape, grad, outputs);
      t.true(largestDifference(ops.winogradWeightGradient(input, shape, grad, outputs), expected) < TOLERANCE);
    }),
  );
});

test('its error stays near that of a direct convolution', (t) => {
  // With the usual points 0, ±1, ±2 and infinity it would be twice as large.
  const shape: Shape = [1, 256, 12, 12];
  const random = new Random(1);
  const input = Float32Array.from({length: 256 * 144}, () => random.next());
  const weight = Float32Array.from({length: 16 * 256 * 9}, () => random.next() - 0.5);
  const expected = naiveConvolution(input, shape, weight, 16, new Float32Array(16));
  const got = ops.winogradConvolution(input, shape, weight, 16, new Float32Array(16));
  const meanSquare = (values: ArrayLike<number>) =>
    Array.from(values).reduce((sum, value) => sum + value ** 2, 0) / values.length;
  const error = Math.sqrt(meanSquare(expected.map((value, i) => value - got[i]!)) / meanSquare(expected));
  t.log(error.toExponential(2));
  t.true(error < 1.2e-6);
});

test('many tiles are done some at a time, to the same result', (t) => {
  // More tiles than a thread does at once (kTiles in winograd.cpp).
  const shape: Shape = [1, 128, 64, 66];
  const input = noise(128 * 64 * 66, 1);
  const weight = noise(128 * 128 * 9, 2);
  const [top, whole] = [64, ops.winogradConvolution(input, shape, weight, 128, new Float32Array(128))];
  // Rows 0..30 depend on rows 0..31 only.
  const half = Float32Array.from({length: 128 * 32 * 66}, (_, i) => {
    const [channel, place] = [Math.floor(i / (32 * 66)), i % (32 * 66)];
    return input[channel * top * 66 + place]!;
  });
  const part = ops.winogradConvolution(half, [1, 128, 32, 66], weight, 128, new Float32Array(128));
  for (const channel of [0, 77, 127]) {
    const from = part.subarray(channel * 32 * 66, channel * 32 * 66 + 31 * 66);
    t.true(largestDifference(from, whole.subarray(channel * top * 66, channel * top * 66 + 31 * 66)) < 1e-4);
  }
});

test('lengths that do not fit are refused', (t) => {
  const [shape, weight, bias] = [[1, 2, 3, 3] as Shape, new Float32Array(36), new Float32Array(2)];
  t.throws(() => ops.winogradConvolution(new Float32Array(17), shape, weight, 2, bias), {instanceOf: RangeError});
  t.throws(() => ops.winogradConvolution(new Float32Array(18), shape, weight, 3, bias), {instanceOf: RangeError});
  t.throws(() => ops.winogradWeightGradient(new Float32Array(18), shape, new Float32Array(17), 2), {
    instanceOf: RangeError,
  });
});
