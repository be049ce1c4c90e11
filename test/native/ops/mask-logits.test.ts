import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import {largestDifference} from '../fixture.js';
import {noise} from '../noise.js';

const {ops} = await loadBinding();

/** The sums have up to 70 · 20 products of such numbers. */
const TOLERANCE = 1e-3;

test('it is a transposed convolution, ReLU and the 1×1 convolution of the class of each roi, for every size', (t) => {
  const cases = fc.record({
    rois: fc.integer({min: 1, max: 4}),
    inputs: fc.integer({min: 1, max: 20}),
    // Products have 64 columns at once.
    channels: fc.oneof(fc.integer({min: 1, max: 20}), fc.constantFrom(63, 64, 65, 70)),
    side: fc.integer({min: 1, max: 5}),
    seed: fc.nat(1000),
  });
  fc.assert(
    fc.property(cases, ({rois, inputs, channels, side, seed}) => {
      const x = noise(rois * inputs * side * side, seed);
      const weight = noise(inputs * channels * 4, seed + 1);
      const bias = noise(channels, seed + 2);
      const [classWeight, classBias] = [noise(rois * channels, seed + 3), noise(rois, seed + 4)];
      const expected = Float64Array.from({length: rois * 4 * side * side}, (_, i) => {
        const [roi, row, column] = [
          Math.floor(i / (4 * side * side)),
          Math.floor(i / (2 * side)) % (2 * side),
          i % (2 * side),
        ];
        const [y, xx] = [row >> 1, column >> 1];
        const place = 2 * (row & 1) + (column & 1);
        let logit = classBias[roi]!;
        for (let k = 0; k < channels; k++) {
          let sum = bias[k]!;
          for (let c = 0; c < inputs; c++)
            sum += x[((roi * inputs + c) * side + y) * side + xx]! * weight[(c * channels + k) * 4 + place]!;
          logit += Math.max(sum, 0) * classWeight[roi * channels + k]!;
        }
        return logit;
      });
      const got = ops.maskLogits(x, [rois, inputs, side, side], weight, channels, bias, classWeight, classBias);
      t.true(largestDifference(got, expected) < TOLERANCE);
    }),
  );
});

test('lengths that do not fit are refused', (t) => {
  const [x, weight] = [new Float32Array(8), new Float32Array(2 * 3 * 4)];
  const three = new Float32Array(3);
  const given = [1, 2, 2, 2] as [number, number, number, number];
  t.is(ops.maskLogits(x, given, weight, 3, three, three, new Float32Array(1)).length, 16);
  t.throws(() => ops.maskLogits(x, given, weight, 4, three, three, new Float32Array(1)), {instanceOf: RangeError});
  t.throws(() => ops.maskLogits(x, given, weight, 3, three, three, new Float32Array(2)), {instanceOf: RangeError});
});
