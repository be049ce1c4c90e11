import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';

const {pixels} = await loadBinding();

const matrices = fc.array(fc.double({min: -2, max: 2, noNaN: true}), {minLength: 12, maxLength: 12});
const colours = fc.array(fc.integer({min: 0, max: 255}), {minLength: 3, maxLength: 3});

function times(matrix: number[], [r, g, b]: readonly number[]): number[] {
  return [0, 4, 8].map((at) => matrix[at]! * r! + matrix[at + 1]! * g! + matrix[at + 2]! * b! + matrix[at + 3]!);
}

const cut = (value: number) => Math.min(255, Math.max(0, value));

test('colours are a matrix times the colour, rounded and cut', async (t) => {
  await fc.assert(
    fc.asyncProperty(colours, matrices, async (colour, matrix) => {
      matrix[3]! *= 100;
      const expected = times(matrix, colour).map(cut);
      const adjusted = await pixels.adjustColors(Uint8Array.from(colour), matrix);
      return expected.every((value, c) => Math.abs(adjusted[c]! - value) <= 0.5 + 1e-3);
    }),
    {numRuns: 300},
  );
  t.deepEqual([...(await pixels.adjustColors(new Uint8Array(0), new Array(12).fill(1)))], []);
});

test('densities are a matrix times the logarithms', async (t) => {
  await fc.assert(
    fc.asyncProperty(colours, matrices, async (colour, matrix) => {
      const densities = times(
        matrix,
        colour.map((value) => Math.log10(256 / (value + 1))),
      );
      const expected = densities.map((density) => cut(256 / 10 ** density - 1));
      const adjusted = await pixels.adjustDensities(Uint8Array.from(colour), matrix);
      return expected.every((value, c) => Math.abs(adjusted[c]! - value) <= 0.75);
    }),
    {numRuns: 300},
  );
  t.pass();
});

test('densities there and back give every value as it was', async (t) => {
  const every = Uint8Array.from({length: 256 * 3}, (_, i) => Math.floor(i / 3));
  t.deepEqual(await pixels.adjustDensities(every, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]), every);
});
