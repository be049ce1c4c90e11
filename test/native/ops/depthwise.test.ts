import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import {inBfloat16, noise} from './noise.js';

const {ops} = await loadBinding();

const side = fc.integer({min: 3, max: 9});
const pair = (min: number, max: number) => fc.tuple(fc.integer({min, max}), fc.integer({min, max}));
const cases = fc.record({
  images: fc.integer({min: 1, max: 2}),
  /** The kernels work on 16 channels at once. */
  channels: fc.oneof(fc.integer({min: 2, max: 19}), fc.constantFrom(32, 33)),
  height: side,
  width: side,
  kernel: pair(1, 3),
  stride: pair(1, 3),
  padding: pair(0, 2),
  seed: fc.nat(1000),
});

test('the gradients of a depthwise convolution in bfloat16 are right, for every size, stride and padding', (t) => {
  fc.assert(
    fc.property(cases, ({images, channels, height, width, kernel, stride, padding, seed}) => {
      const [rows, columns] = [height, width].map(
        (size, i) => Math.floor((size + 2 * padding[i]! - kernel[i]!) / stride[i]!) + 1,
      ) as [number, number];
      const x = inBfloat16(noise(images * channels * height * width, seed));
      const weight = inBfloat16(noise(channels * kernel[0] * kernel[1], seed + 1));
      const grad = inBfloat16(noise(images * channels * rows * columns, seed + 2));
      const gradX = new Float64Array(x.length);
      const gradWeight = new Float64Array(weight.length);
      for (let map = 0; map < images * channels; map++)
        for (let row = 0; row < rows; row++)
          for (let column = 0; column < columns; column++)
            for (let tap = 0; tap < kernel[0] * kernel[1]; tap++) {
              const y = row * stride[0] + Math.floor(tap / kernel[1]) - padding[0];
              const place = column * stride[1] + (tap % kernel[1]) - padding[1];
              if (y < 0 || y >= height || place < 0 || place >= width) continue;
              const from = (map * height + y) * width + place;
              const ofWeight = (map % channels) * kernel[0] * kernel[1] + tap;
              const given = grad[(map * rows + row) * columns + column]!;
              gradX[from]! += given * weight[ofWeight]!;
              gradWeight[ofWeight]! += given * x[from]!;
            }
      const got = ops.depthwiseGradients(
        x,
        [images, channels, height, width],
        weight,
        {kernel: Int32Array.from(kernel), stride: Int32Array.from(stride), padding: Int32Array.from(padding)},
        grad,
      );
      // Half a unit in the last of 8 bits, and what float32 rounds in sums of up to 162 numbers below 1.
      const isNear = (value: number, expected: number) =>
        Math.abs(value - expected) <= Math.abs(expected) * 2 ** -8 + 1e-5;
      t.is(got.x.length, gradX.length);
      t.true(got.x.every((value, i) => isNear(value, gradX[i]!)));
      t.is(got.weight.length, gradWeight.length);
      t.true(got.weight.every((value, i) => isNear(value, gradWeight[i]!)));
    }),
  );
});

test('lengths that do not fit and geometries that do not exist are refused', (t) => {
  const two = Int32Array.of(2, 2);
  const one = Int32Array.of(1, 1);
  const call = (options: {kernel: Int32Array; stride: Int32Array; padding: Int32Array}, grad = 2) =>
    ops.depthwiseGradients(new Float32Array(8), [1, 2, 2, 2], new Float32Array(8), options, new Float32Array(grad));
  t.notThrows(() => call({kernel: two, stride: two, padding: new Int32Array(2)}));
  t.throws(() => call({kernel: two, stride: two, padding: new Int32Array(2)}, 3), {instanceOf: RangeError});
  t.throws(() => call({kernel: two, stride: new Int32Array(2), padding: one}), {instanceOf: RangeError});
  t.throws(() => call({kernel: Int32Array.of(2), stride: two, padding: one}), {instanceOf: RangeError});
  t.throws(() => call({kernel: Int32Array.of(5, 5), stride: two, padding: one}), {instanceOf: RangeError});
});
