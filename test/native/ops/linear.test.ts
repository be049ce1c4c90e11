import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import {largestDifference} from '../fixture.js';
import {noise} from '../noise.js';
import {naiveProduct} from '../oracles/linear.js';

const {ops} = await loadBinding();

// Blocks have 96 rows, 256 columns in panels of 64, and 256 summed numbers (matmul.cpp). Test sizes below, at and above
// these, and many small ones.
const rows = fc.oneof({weight: 4, arbitrary: fc.integer({min: 1, max: 40})}, fc.constantFrom(63, 95, 96, 97, 200));
const others = fc.oneof({weight: 4, arbitrary: fc.integer({min: 1, max: 40})}, fc.constantFrom(255, 256, 257, 300));
const cases = fc.record({rows, inputs: others, outputs: others, seed: fc.nat(1000)});

/**
 * The sums have up to 300 such numbers. float32 rounds a number of this size by 1.5e-5, and about twenty such errors
 * add up.
 */
const TOLERANCE = 3e-4;

test('it is x · weightᵀ + bias, for every size', (t) => {
  fc.assert(
    fc.property(cases, ({rows, inputs, outputs, seed}) => {
      const [x, weight, bias] = [
        noise(rows * inputs, seed),
        noise(outputs * inputs, seed + 1),
        noise(outputs, seed + 2),
      ];
      const product = naiveProduct(
        (row, k) => x[row * inputs + k]!,
        (k, column) => weight[column * inputs + k]!,
        {rows, summed: inputs, columns: outputs},
      );
      const expected = product.map((value, i) => value + bias[i % outputs]!);
      t.true(largestDifference(ops.linear(x, rows, inputs, weight, outputs, bias), expected) < TOLERANCE);
    }),
  );
});

test('its gradients are those of its definition, for every size', (t) => {
  fc.assert(
    fc.property(cases, ({rows, inputs, outputs, seed}) => {
      const [x, weight, grad] = [
        noise(rows * inputs, seed),
        noise(outputs * inputs, seed + 1),
        noise(rows * outputs, seed + 2),
      ];
      const gradOf = (row: number, k: number) => grad[row * outputs + k]!;
      const actual = ops.linearGradients(x, rows, inputs, weight, outputs, grad);
      const ofX = naiveProduct(gradOf, (k, column) => weight[k * inputs + column]!, {
        rows,
        summed: outputs,
        columns: inputs,
      });
      t.true(largestDifference(actual.x, ofX) < TOLERANCE);
      const ofWeight = naiveProduct(
        (row, k) => gradOf(k, row),
        (k, column) => x[k * inputs + column]!,
        {
          rows: outputs,
          summed: rows,
          columns: inputs,
        },
      );
      t.true(largestDifference(actual.weight, ofWeight) < TOLERANCE);
      const ofBias = naiveProduct(() => 1, gradOf, {rows: 1, summed: rows, columns: outputs});
      t.true(largestDifference(actual.bias, ofBias) < TOLERANCE);
    }),
  );
});

test('lengths that do not fit are refused', (t) => {
  const [x, weight, bias] = [new Float32Array(6), new Float32Array(12), new Float32Array(4)];
  t.throws(() => ops.linear(new Float32Array(5), 2, 3, weight, 4, bias), {instanceOf: RangeError});
  t.throws(() => ops.linear(x, 2, 3, weight, 4, new Float32Array(3)), {instanceOf: RangeError});
  t.throws(() => ops.linearGradients(x, 2, 3, weight, 4, new Float32Array(7)), {instanceOf: RangeError});
});
