import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import {inBfloat16, noise} from '../noise.js';

const {ops} = await loadBinding();

type Pair = [number, number];
type Case = {
  images: number;
  /** Input and output channels of each group. */
  channels: Pair;
  groups: number;
  size: Pair;
  kernel: Pair;
  stride: Pair;
  padding: Pair;
  bfloat16: boolean;
  relu: boolean;
  bias: boolean;
  addend: boolean;
  seed: number;
};

const pair = (min: number, max: number): fc.Arbitrary<Pair> => fc.tuple(fc.integer({min, max}), fc.integer({min, max}));
const rest = {
  images: fc.integer({min: 1, max: 2}),
  bfloat16: fc.boolean(),
  relu: fc.boolean(),
  bias: fc.boolean(),
  addend: fc.boolean(),
  seed: fc.nat(1000),
};
const depthwise = fc.record({
  ...rest,
  channels: fc.constant<Pair>([1, 1]),
  /** The kernels work on 16 channels at once. */
  groups: fc.oneof(fc.integer({min: 2, max: 19}), fc.constantFrom(32, 33)),
  size: pair(3, 9),
  kernel: pair(1, 3),
  stride: pair(1, 3),
  padding: pair(0, 2),
});
const grouped = fc.record({
  ...rest,
  channels: fc.tuple(fc.constantFrom(1, 2, 8), fc.constantFrom(1, 3, 8)),
  groups: fc.constantFrom(2, 4),
  size: pair(3, 7),
  kernel: pair(1, 3),
  stride: pair(1, 2),
  padding: pair(0, 1),
});
/**
 * In bfloat16, oneDNN's kernels for AMX give other numbers for a strided convolution whose result has one column, and
 * those for AVX-512 do so for groups of one input channel.
 */
const narrow = fc.record({
  ...rest,
  channels: fc.constantFrom<Pair>([3, 16], [32, 32], [1, 8], [1, 3]),
  groups: fc.constantFrom(1, 2),
  size: fc.tuple(fc.integer({min: 7, max: 20}), fc.integer({min: 3, max: 5})),
  kernel: fc.constantFrom<Pair>([3, 3], [7, 7], [5, 3]),
  stride: fc.constantFrom<Pair>([2, 2], [1, 2], [3, 3]),
  padding: fc.constantFrom<Pair>([3, 3], [3, 2]),
});
/** Those that AMX and Winograd's algorithm take, and all others. */
const dense = fc.record({
  ...rest,
  channels: fc.tuple(fc.constantFrom(3, 32, 64), fc.constantFrom(5, 32, 64)),
  groups: fc.constant(1),
  size: pair(3, 12),
  kernel: fc.constantFrom<Pair>([1, 1], [3, 3], [3, 1]),
  stride: fc.constantFrom<Pair>([1, 1], [1, 1], [2, 2]),
  padding: fc.constantFrom<Pair>([0, 0], [1, 1]),
});

/**
 * By the definitions, in double precision. Rounding can move a result across 0, which opens or closes its gradient, so
 * `got` says which are above 0.
 */
function naive(given: ReturnType<typeof draw>, got: Float32Array) {
  const {images, channels, groups, size, kernel, stride, padding, relu, rows, columns} = given;
  const [ins, outs] = channels;
  const area = kernel[0] * kernel[1];
  const output = Float64Array.from({length: images * groups * outs * rows * columns}, (_, at) => {
    const channel = Math.floor(at / (rows * columns)) % (groups * outs);
    return (given.bias?.[channel] ?? 0) + (given.addend?.[at] ?? 0);
  });
  const forEach = (visit: (to: number, from: number, tap: number) => void) => {
    for (let image = 0; image < images; image++)
      for (let out = 0; out < groups * outs; out++)
        for (let place = 0; place < rows * columns; place++)
          for (let channel = 0; channel < ins; channel++)
            for (let tap = 0; tap < area; tap++) {
              const y = Math.floor(place / columns) * stride[0] + Math.floor(tap / kernel[1]) - padding[0];
              const x = (place % columns) * stride[1] + (tap % kernel[1]) - padding[1];
              if (y < 0 || y >= size[0] || x < 0 || x >= size[1]) continue;
              const map = image * groups * ins + Math.floor(out / outs) * ins + channel;
              visit(
                (image * groups * outs + out) * rows * columns + place,
                (map * size[0] + y) * size[1] + x,
                (out * ins + channel) * area + tap,
              );
            }
  };
  forEach((to, from, tap) => (output[to]! += given.x[from]! * given.weight[tap]!));
  const grad = given.grad.map((value, at) => (relu && !(got[at]! > 0) ? 0 : value));
  const [x, weight] = [new Float64Array(given.x.length), new Float64Array(given.weight.length)];
  forEach((to, from, tap) => {
    x[from]! += grad[to]! * given.weight[tap]!;
    weight[tap]! += grad[to]! * given.x[from]!;
  });
  const bias = new Float64Array(groups * outs);
  for (const [at, value] of grad.entries()) bias[Math.floor(at / (rows * columns)) % bias.length]! += value;
  return {output: relu ? output.map((value) => Math.max(value, 0)) : output, x, weight, bias, addend: grad};
}

/** With operands that bfloat16 can hold, so that nothing is rounded before products are summed. */
function draw({images, channels, groups, size, kernel, stride, padding, seed, ...others}: Case) {
  const [rows, columns] = size.map(
    (side, i) => Math.floor((side + 2 * padding[i]! - kernel[i]!) / stride[i]!) + 1,
  ) as Pair;
  const [ins, outs] = [groups * channels[0], groups * channels[1]];
  const numbers = (length: number, which: number) => inBfloat16(noise(length, seed + which));
  const results = images * outs * rows * columns;
  return {
    ...{images, channels, groups, size, kernel, stride, padding, rows, columns},
    x: numbers(images * ins * size[0] * size[1], 0),
    weight: numbers(outs * channels[0] * kernel[0] * kernel[1], 1),
    grad: numbers(results, 2),
    bias: others.bias ? numbers(outs, 3) : undefined,
    addend: others.addend ? numbers(results, 4) : undefined,
    bfloat16: others.bfloat16,
    relu: others.relu,
  };
}

function run(given: ReturnType<typeof draw>) {
  const {images, channels, groups, size, kernel, stride, padding, bfloat16, relu, bias, addend} = given;
  return ops.convolutionGradients(
    given.x,
    [images, groups * channels[0], ...size],
    given.weight,
    {
      kernel: Int32Array.from(kernel),
      stride: Int32Array.from(stride),
      padding: Int32Array.from(padding),
      outputs: groups * channels[1],
      ...{groups, bfloat16, relu, bias, addend},
    },
    given.grad,
  );
}

for (const [name, cases] of Object.entries({depthwise, grouped, narrow, dense})) {
  test(`a convolution, what follows it and its gradients are right, for every size: ${name}`, (t) => {
    fc.assert(
      fc.property(cases as fc.Arbitrary<Case>, (drawn) => {
        const given = draw(drawn);
        const got = run(given);
        const expected = naive(given, got.output);
        for (const key of Object.keys(expected) as (keyof typeof expected)[]) {
          if ((key === 'bias' || key === 'addend') && !drawn[key]) continue;
          // Winograd's algorithm loses a few digits of float32 in sums of hundreds of numbers: 1.5e-5 in one of 8000
          // cases. bfloat16 has 8 bits, and rounds more than once where a sum is a pass of its own.
          const largest = Math.max(1, ...Array.from([...expected[key], ...(given.addend ?? [])], Math.abs));
          const limit = (drawn.bfloat16 ? 2 ** -6 : 4e-5) * largest;
          t.is(got[key]!.length, expected[key].length);
          t.true(
            got[key]!.every((value, i) => Math.abs(value - expected[key][i]!) <= limit),
            key,
          );
        }
        t.deepEqual([got.bias !== undefined, got.addend !== undefined], [drawn.bias, drawn.addend]);
      }),
    );
  });
}

test('what is not a number stays, also after ReLU', (t) => {
  for (const bfloat16 of [false, true])
    for (const kernel of [1, 3])
      for (const stride of [1, 2])
        for (const addend of [false, true]) {
          const given = draw({
            images: 1,
            channels: [64, 64],
            groups: 1,
            size: [20, 20],
            kernel: [kernel, kernel],
            stride: [stride, stride],
            padding: [kernel >> 1, kernel >> 1],
            ...{bfloat16, addend, relu: true, bias: true, seed: 1},
          });
          given.weight[0] = Number.NaN;
          const {output} = run(given);
          const plane = output.length / 64;
          t.true(Number.isNaN(output[plane - 1]!), JSON.stringify({bfloat16, kernel, stride, addend}));
          t.false(Number.isNaN(output[plane]!));
        }
});

test('lengths that do not fit and geometries that do not exist are refused', (t) => {
  const two = Int32Array.of(2, 2);
  const none = new Int32Array(2);
  const call = (change: object, grad = 2) =>
    ops.convolutionGradients(
      new Float32Array(8),
      [1, 2, 2, 2],
      new Float32Array(8),
      {kernel: two, stride: two, padding: none, outputs: 2, groups: 2, bfloat16: true, relu: false, ...change},
      new Float32Array(grad),
    );
  t.notThrows(() => call({}));
  t.throws(() => call({}, 3), {instanceOf: RangeError});
  t.throws(() => call({stride: none}), {instanceOf: RangeError});
  t.throws(() => call({kernel: Int32Array.of(2)}), {instanceOf: RangeError});
  t.throws(() => call({kernel: Int32Array.of(5, 5)}), {instanceOf: RangeError});
  t.throws(() => call({groups: 3}), {instanceOf: RangeError});
  t.throws(() => call({bias: new Float32Array(3)}), {instanceOf: RangeError});
  t.throws(() => call({addend: new Float32Array(3)}), {instanceOf: RangeError});
});
