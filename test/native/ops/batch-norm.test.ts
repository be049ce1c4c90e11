import test from 'ava';
import {loadBinding} from '../../../lib/addon/binding.js';
import {Random} from '../../../lib/basics/random.js';
import {inBfloat16} from '../noise.js';
import {naiveBatchNorm} from '../oracles/batch-norm.js';

const {ops} = await loadBinding();

type Shape = [images: number, channels: number, height: number, width: number];

const EPS = 1e-5;

/** Maps as they are after ReLU, with another mean and spread in each channel. */
function makeCase(shape: Shape, seed = 1) {
  const random = new Random(seed);
  const [, channels, height, width] = shape;
  const length = shape.reduce((product, side) => product * side);
  const x = Float32Array.from({length}, (_, i) => {
    const channel = Math.floor(i / (height * width)) % channels;
    return Math.max(0, (1 + channel / 4) * (random.next() + random.next() - 0.7));
  });
  const uniform = (count: number) => Float32Array.from({length: count}, () => 2 * random.next() - 1);
  return {x, shape, weight: uniform(channels).map((w) => w + 2), bias: uniform(channels), gradOutput: uniform(length)};
}

/** The largest difference, relative to the largest value. */
function error(actual: ArrayLike<number>, expected: Float64Array): number {
  let [largest, difference] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]!));
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
  }
  return difference / largest;
}

function errors({x, shape, weight, bias, gradOutput}: ReturnType<typeof makeCase>, bfloat16 = false) {
  const actual = ops.batchNorm(x, shape, weight, bias, EPS, gradOutput, bfloat16);
  const expected = naiveBatchNorm(x, shape, {weight, bias, eps: EPS, gradOutput});
  const names = Object.keys(expected) as (keyof typeof expected)[];
  return Object.fromEntries(names.map((name) => [name, error(actual[name], expected[name])])) as Record<
    (typeof names)[number],
    number
  >;
}

// Against float64, PyTorch 2.14's kernel for contiguous maps is off by 8e-8 in variances, 1e-7 in outputs, 1.5e-7 in
// gradients of x and 1e-5 in those of weight and bias; its kernel for channels-last maps by 1e-3 in all but the last.
const LIMITS = {output: 2e-7, mean: 1.2e-7, variance: 1.2e-7, gradX: 3e-7, gradWeight: 1e-6, gradBias: 1e-6};

for (const shape of [
  [1, 16, 400, 544],
  [1, 16, 800, 1088],
] as Shape[]) {
  test(`statistics and gradients of ${shape.join(' × ')} are right to float32's rounding`, (t) => {
    const found = errors(makeCase(shape));
    for (const [name, limit] of Object.entries(LIMITS)) {
      const value = found[name as keyof typeof LIMITS];
      t.true(value < limit, `${name}: ${value}`);
    }
  });
}

test('every number of channels and rows, below, at and above the blocks', (t) => {
  for (const channels of [1, 3, 15, 16, 17, 40, 20000]) {
    for (const [images, height, width] of [
      [1, 1, 9],
      [2, 2, 3],
      [3, 7, 5],
    ] as const) {
      const found = errors(makeCase([images, channels, height, width], channels));
      for (const [name, value] of Object.entries(found)) {
        t.true(value < 2e-5, `${channels} channels, ${images} × ${height} × ${width}, ${name}: ${value}`);
      }
    }
  }
});

for (const [what, adds, relu] of [
  ['the sum with another map', true, false],
  ['the sum with another map and ReLU', true, true],
  ['ReLU', false, true],
] as const) {
  test(`${what} in the same pass, with its gradients`, (t) => {
    for (const channels of [1, 16, 19]) {
      const {x, shape, weight, bias, gradOutput} = makeCase([2, channels, 7, 5]);
      const addend = adds ? makeCase([2, channels, 7, 5], 2).gradOutput : undefined;
      const {output} = naiveBatchNorm(x, shape, {weight, bias, eps: EPS, gradOutput});
      const sum = output.map((value, i) => value + (addend?.[i] ?? 0));
      const gradSum = gradOutput.map((grad, i) => (relu && sum[i]! <= 0 ? 0 : grad));
      const expected = {
        ...naiveBatchNorm(x, shape, {weight, bias, eps: EPS, gradOutput: gradSum}),
        output: relu ? sum.map((value) => Math.max(value, 0)) : sum,
        ...(adds && {gradAddend: Float64Array.from(gradSum)}),
      };
      const actual = ops.batchNorm(x, shape, weight, bias, EPS, gradOutput, false, {relu, ...(addend && {addend})});
      for (const name of Object.keys(expected) as (keyof typeof expected)[]) {
        const value = error(actual[name]!, expected[name]!);
        t.true(value < 2e-5, `${channels} channels, ${name}: ${value}`);
      }
    }
  });
}

test('in bfloat16, a norm is rounded once with what follows it; what is not a number stays', (t) => {
  const {x, shape, weight, bias, gradOutput} = makeCase([2, 19, 7, 5]);
  const addend = inBfloat16(makeCase([2, 19, 7, 5], 2).gradOutput);
  const given = inBfloat16(x);
  given[0] = Number.NaN;
  const grad = inBfloat16(gradOutput);
  const {output} = naiveBatchNorm(given, shape, {weight, bias, eps: EPS, gradOutput: grad});
  const sum = output.map((value, i) => Math.max(value + addend[i]!, 0));
  const actual = ops.batchNorm(given, shape, weight, bias, EPS, grad, true, {addend, relu: true}).output;
  t.true(sum.every((value, i) => Number.isNaN(value) === Number.isNaN(actual[i]!)));
  // Half a unit in the last of 8 bits.
  t.true(sum.every((value, i) => Number.isNaN(value) || Math.abs(actual[i]! - value) <= value * 2 ** -8 + 1e-5));
  t.is(sum.filter((value) => Number.isNaN(value)).length, 2 * 7 * 5);
});

test('bfloat16 rounds what goes in and out, not the sums', (t) => {
  const {x, gradOutput, ...rest} = makeCase([1, 16, 200, 272]);
  const found = errors({...rest, x: inBfloat16(x), gradOutput: inBfloat16(gradOutput)}, true);
  for (const name of ['mean', 'variance', 'gradWeight', 'gradBias'] as const) {
    t.true(found[name] < LIMITS[name], `${name}: ${found[name]}`);
  }
  t.true(found.output < 2 ** -8 && found.gradX < 2 ** -8); // half a unit in the last of 8 bits
});

test('a channel of one number, and what is not a number', (t) => {
  const {x, weight, bias, gradOutput} = makeCase([1, 2, 1, 1]);
  t.throws(() => ops.batchNorm(x, [1, 2, 1, 1], weight, bias, EPS, gradOutput, false), {instanceOf: RangeError});
  const given = makeCase([1, 2, 3, 3]);
  given.x[0] = Number.NaN;
  const {output, variance} = ops.batchNorm(
    given.x,
    given.shape,
    given.weight,
    given.bias,
    EPS,
    given.gradOutput,
    false,
  );
  t.true(Number.isNaN(variance[0]) && Number.isNaN(output[0]));
  t.true(Number.isFinite(variance[1]) && Number.isFinite(output[9]));
});

// Squares of such numbers lose the variance in float32, unless the mean is subtracted first.
test('a mean that is a thousand deviations away loses nothing of the variance', (t) => {
  const given = makeCase([1, 17, 60, 50]);
  const far = {...given, x: given.x.map((value) => 1000 + value)};
  const {variance, gradWeight} = errors(far);
  t.true(variance < 1e-6, String(variance));
  t.true(gradWeight < 1e-5, String(gradWeight));
});

test('a constant channel has variance 0 and its bias for an output', (t) => {
  const {weight, bias, gradOutput} = makeCase([1, 2, 30, 30]);
  const x = new Float32Array(1800).fill(0.1);
  const {output, variance} = ops.batchNorm(x, [1, 2, 30, 30], weight, bias, EPS, gradOutput, false);
  t.true(variance[0]! < 1e-15);
  t.true(Math.abs(output[0]! - bias[0]!) < 1e-4);
});
