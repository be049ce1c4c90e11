import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import {decodeFloats, largestDifference, pattern, readCases} from '../fixture.js';
import {naiveRoiAlign, naiveRoiAlignBackward, type RoiAlignOptions} from '../oracles/roi-align.js';

const {ops} = await loadBinding();

type Shape = [number, number, number, number];
type Case = {shape: Shape; rois: Float32Array; options: RoiAlignOptions};

const size = ([n, c, h, w]: Shape) => n * c * h * w;

// Channels are read 16 to 128 at once, and regions of 16 and more cells are transposed by squares of 16 × 16.
// Coordinates are multiples of an eighth, so many fall exactly on pixels or borders, or beyond them.
const coordinate = fc.integer({min: -60, max: 160}).map((eighths) => eighths / 8);
const cases: fc.Arbitrary<Case> = fc
  .record({
    shape: fc.tuple(
      fc.integer({min: 1, max: 3}),
      fc.constantFrom(1, 3, 18, 34, 165),
      fc.integer({min: 1, max: 9}),
      fc.integer({min: 1, max: 9}),
    ),
    rows: fc.array(fc.tuple(fc.nat(), coordinate, coordinate, coordinate, coordinate), {maxLength: 5}),
    options: fc.record({
      spatialScale: fc.constantFrom(1, 0.5, 1 / 3),
      outputSize: fc.integer({min: 1, max: 5}),
      samplingRatio: fc.integer({min: 0, max: 3}),
    }),
  })
  .map(({shape, rows, options}) => ({
    shape: shape as Shape,
    rois: Float32Array.from(rows.flatMap(([image, ...box]) => [image % shape[0], ...box])),
    options,
  }));

test('pools a ramp: the mean of a cell is the ramp at its middle', (t) => {
  // Rows of 0 1 2 … 7, so that the value of a sample is its x.
  const ramp = Float32Array.from({length: 64}, (_, i) => i % 8);
  const roi = Float32Array.of(0, 1, 1, 5, 5);
  const pooled = ops.roiAlign(ramp, [1, 1, 8, 8], roi, {spatialScale: 1, outputSize: 2, samplingRatio: 2});
  t.deepEqual([...pooled], [2, 4, 2, 4]);
  const scaled = ops.roiAlign(ramp, [1, 1, 8, 8], roi, {spatialScale: 0.5, outputSize: 2, samplingRatio: 2});
  t.deepEqual([...scaled], [1, 2, 1, 2]);
});

test('a roi without sides becomes one pixel; beyond one pixel outside there is only 0', (t) => {
  const ones = new Float32Array(16).fill(1);
  const pool = (...roi: number[]) =>
    ops.roiAlign(ones, [1, 1, 4, 4], Float32Array.of(0, ...roi), {spatialScale: 1, outputSize: 1, samplingRatio: 1});
  t.deepEqual([...pool(2, 2, 2, 2)], [1]);
  t.deepEqual([...pool(-1.5, 0, -0.5, 1)], [1]); // its centre is at x = -1
  t.deepEqual([...pool(-1.75, 0, -0.5, 1)], [0]);
  t.deepEqual([...pool(3.5, 0, 4.5, 1)], [1]); // its centre is at x = 4
  t.deepEqual([...pool(3.75, 0, 4.5, 1)], [0]);
});

test('the image of a roi is its first number', (t) => {
  const images = Float32Array.of(1, 2, 3);
  const rois = Float32Array.of(2, 0, 0, 1, 1, 0, 0, 0, 1, 1);
  const pooled = ops.roiAlign(images, [3, 1, 1, 1], rois, {spatialScale: 1, outputSize: 1, samplingRatio: 2});
  t.deepEqual([...pooled], [3, 1]);
});

test('no rois: no result, and a gradient of zeros', (t) => {
  const options = {spatialScale: 1, outputSize: 2, samplingRatio: 2};
  t.is(ops.roiAlign(new Float32Array(4), [1, 1, 2, 2], new Float32Array(0), options).length, 0);
  const grad = ops.roiAlignBackward(new Float32Array(0), [1, 1, 2, 2], new Float32Array(0), options);
  t.deepEqual([...grad], [0, 0, 0, 0]);
});

test('agrees with the naive implementation, forward and backward', (t) => {
  fc.assert(
    fc.property(cases, ({shape, rois, options}) => {
      const input = pattern(size(shape));
      const pooled = ops.roiAlign(input, shape, rois, options);
      t.true(largestDifference(pooled, naiveRoiAlign(input, shape, rois, options)) < 1e-6);
      const grad = pattern(pooled.length);
      const expected = naiveRoiAlignBackward(grad, shape, rois, options);
      t.true(largestDifference(ops.roiAlignBackward(grad, shape, rois, options), expected) < 5e-6);
    }),
  );
});

/** Rounds to the nearest bfloat16 number; ties go to the even one. */
function toBFloat16(values: Float32Array): Float32Array {
  const bits = new Uint32Array(values.slice().buffer);
  return new Float32Array(bits.map((b) => ((b + 0x7fff + ((b >>> 16) & 1)) >>> 16) << 16).buffer);
}

/**
 * The maximum number of bfloat16 steps between `a` and `b`. Sums close to the midpoint of two numbers may be rounded
 * either way.
 */
function steps(a: Float32Array, b: Float32Array): number {
  const ordinals = (values: Float32Array) => new Int32Array(values.buffer, values.byteOffset, values.length);
  return largestDifference(ordinals(a), ordinals(b)) / 2 ** 16;
}

test('the order inside changes nothing; bfloat16 is float32 with its input and output rounded', (t) => {
  fc.assert(
    fc.property(cases, ({shape, rois, options}) => {
      const input = pattern(size(shape));
      const pooled = ops.roiAlign(input, shape, rois, options);
      t.deepEqual(ops.roiAlign(input, shape, rois, {...options, flattened: true}), pooled);
      const grad = pattern(pooled.length);
      const gradInput = ops.roiAlignBackward(grad, shape, rois, options);
      t.deepEqual(ops.roiAlignBackward(grad, shape, rois, {...options, flattened: true}), gradInput);

      const expected = toBFloat16(ops.roiAlign(toBFloat16(input), shape, rois, options));
      const gradExpected = toBFloat16(ops.roiAlignBackward(toBFloat16(grad), shape, rois, options));
      for (const flattened of [false, true]) {
        const rounded = {...options, flattened, bfloat16: true};
        t.true(steps(ops.roiAlign(input, shape, rois, rounded), expected) <= 1);
        t.true(steps(ops.roiAlignBackward(grad, shape, rois, rounded), gradExpected) <= 1);
      }
    }),
  );
});

test('the gradient is the finite difference of the output', (t) => {
  const shape: Shape = [2, 3, 5, 6];
  const options = {spatialScale: 0.5, outputSize: 3, samplingRatio: 2};
  const rois = Float32Array.of(0, 1, 2, 9, 8, 1, -3, 1, 4, 14, 1, 6, 6, 6.5, 7);
  const weights = pattern(3 * 3 * 9); // R×C×cells
  const loss = (input: Float32Array) =>
    ops.roiAlign(input, shape, rois, options).reduce((sum, value, i) => sum + value * weights[i]!, 0);
  const grad = ops.roiAlignBackward(weights, shape, rois, options);
  const input = pattern(size(shape));
  const numeric = input.map((value, i) => {
    // The operator is linear in its input, so a large step costs no accuracy.
    const [above, below] = [input.slice(), input.slice()];
    above[i] = value + 4;
    below[i] = value - 4;
    return (loss(above) - loss(below)) / (above[i]! - below[i]!);
  });
  t.true(grad.some((value) => value > 0.5));
  t.true(largestDifference(grad, numeric) < 1e-5);
});

test('<backward(g), x> = <g, forward(x)>', (t) => {
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  fc.assert(
    fc.property(cases, ({shape, rois, options}) => {
      const x = pattern(size(shape));
      const pooled = ops.roiAlign(x, shape, rois, options);
      const g = pattern(pooled.length).reverse();
      const [left, right] = [dot(ops.roiAlignBackward(g, shape, rois, options), x), dot(g, pooled)];
      t.true(Math.abs(left - right) <= 1e-5 * Math.max(1, Math.abs(right)));
    }),
  );
});

test('the gradient of many overlapping rois is equal to the last bit from run to run', (t) => {
  const shape: Shape = [2, 70, 12, 12];
  const options = {spatialScale: 1, outputSize: 7, samplingRatio: 2};
  const rois = Float32Array.from({length: 5 * 40}, (_, i) => (i % 5 === 0 ? i % 2 : (i * 37) % 12));
  const grad = pattern(40 * 70 * 49);
  const first = ops.roiAlignBackward(grad, shape, rois, options);
  for (let run = 0; run < 5; run++) t.deepEqual(ops.roiAlignBackward(grad, shape, rois, options), first);
});

type RoiAlignCase = {inputShape: Shape; options: RoiAlignOptions; rois: string; pooled: string; gradInput: string};

test("equals torchvision's ROIAlign and its gradient, also for boxes outside, tiny and huge", (t) => {
  for (const {inputShape, options, ...arrays} of readCases<RoiAlignCase>('roi-align')) {
    const rois = decodeFloats(arrays.rois);
    const pooled = ops.roiAlign(pattern(size(inputShape)), inputShape, rois, options);
    t.true(largestDifference(pooled, decodeFloats(arrays.pooled)) < 1e-6);
    const grad = ops.roiAlignBackward(pattern(pooled.length), inputShape, rois, options);
    const expected = decodeFloats(arrays.gradInput);
    t.true(largestDifference(grad, expected) < 2e-6 * Math.max(...expected));
  }
});
