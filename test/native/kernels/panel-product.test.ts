import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import {largestDifference} from '../fixture.js';
import {noise} from '../noise.js';
import {naiveProduct} from '../oracles/linear.js';

const {ops} = await loadBinding();

const COLUMNS = 64;
const kernels = ops.productKernels();
/** The sums have up to 130 such numbers. float32 rounds a number of this size by 1e-5, and a few errors add up. */
const TOLERANCE = 1e-4;

test('there is one kernel that every machine can run, and each is listed once', (t) => {
  t.is(kernels.at(-1), 'libtorch');
  t.is(new Set(kernels).size, kernels.length);
});

// Six rows are computed at once. The next panel is fetched for each four numbers that are summed.
const cases = fc.record({
  rows: fc.integer({min: 1, max: 20}),
  depth: fc.integer({min: 1, max: 130}),
  seed: fc.nat(1000),
  transposed: fc.boolean(),
  adds: fc.boolean(),
});

for (const [kernel, name] of kernels.entries()) {
  test(`by ${name}, it is the product, or added to the result, for every size`, (t) => {
    fc.assert(
      fc.property(cases, ({rows, depth, seed, transposed, adds}) => {
        const [left, panel] = [noise(rows * depth, seed), noise(depth * COLUMNS, seed + 1)];
        const before = adds ? noise(rows * COLUMNS, seed + 2) : undefined;
        const product = naiveProduct(
          (row, k) => left[transposed ? k * rows + row : row * depth + k]!,
          (k, column) => panel[k * COLUMNS + column]!,
          {rows, summed: depth, columns: COLUMNS},
        );
        const expected = product.map((value, i) => value + (before?.[i] ?? 0));
        const got = ops.multiplyPanel(kernel, left, rows, depth, panel, {transposed, ...(before && {result: before})});
        t.true(largestDifference(got, expected) < TOLERANCE);
      }),
    );
  });
}

test('lengths that do not fit and kernels that do not exist are refused', (t) => {
  const [left, panel, result] = [new Float32Array(6), new Float32Array(3 * COLUMNS), new Float32Array(COLUMNS)];
  t.throws(() => ops.multiplyPanel(0, new Float32Array(5), 2, 3, panel), {instanceOf: RangeError});
  t.throws(() => ops.multiplyPanel(0, left, 2, 3, new Float32Array(3)), {instanceOf: RangeError});
  t.throws(() => ops.multiplyPanel(0, left, 2, 3, panel, {result}), {instanceOf: RangeError});
  t.throws(() => ops.multiplyPanel(kernels.length, left, 2, 3, panel), {instanceOf: RangeError});
});
