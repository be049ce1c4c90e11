import test from 'ava';
import {loadBinding} from '../../lib/addon/binding.js';
import {colorJitter, stainJitter} from '../../lib/augment/color.js';
import {contrasted, hueTurned, inOrder, inverted, linear, saturated, scaled} from '../../lib/augment/color-matrix.js';
import {Random} from '../../lib/basics/random.js';
import {alone, discs} from './samples.js';

const pixels = Uint8Array.of(200, 100, 50, 10, 20, 30, 255, 0, 128);

async function adjusted(matrix: readonly number[], data = pixels): Promise<number[]> {
  const {pixels: native} = await loadBinding();
  return [...(await native.adjustColors(data, [...matrix]))];
}

test('brightness scales and clips', async (t) => {
  t.deepEqual(await adjusted(scaled(1.5)), [255, 150, 75, 15, 30, 45, 255, 0, 192]);
  t.deepEqual(await adjusted(scaled(0)), new Array(9).fill(0));
});

test('contrast moves values from the middle', async (t) => {
  t.deepEqual(await adjusted(contrasted(0.5, 100)), [150, 100, 75, 55, 60, 65, 178, 50, 114]);
});

test('saturation 0 leaves the grey of BT.601, 1 everything', async (t) => {
  const grey = (r: number, g: number, b: number) => Math.round(0.299 * r + 0.587 * g + 0.114 * b);
  const greys = [grey(200, 100, 50), grey(10, 20, 30), grey(255, 0, 128)];
  t.deepEqual(
    await adjusted(saturated(0)),
    greys.flatMap((value) => [value, value, value]),
  );
  t.deepEqual(await adjusted(saturated(1)), [...pixels]);
});

test('a hue turned once around, or there and back, is as before; a turn keeps the grey', async (t) => {
  t.deepEqual(await adjusted(hueTurned(1)), [...pixels]);
  t.deepEqual(await adjusted(inOrder(hueTurned(0.3), hueTurned(-0.3))), [...pixels]);
  const soft = Uint8Array.of(140, 120, 100);
  const [r, g, b] = await adjusted(hueTurned(1 / 3), soft);
  t.true(Math.abs(0.299 * r! + 0.587 * g! + 0.114 * b! - (0.299 * 140 + 0.587 * 120 + 0.114 * 100)) < 1);
  t.true(r! < Math.max(g!, b!), `orange turned by a third is no longer red most: ${r}, ${g}, ${b}`);
});

test('an inverse undoes its matrix', (t) => {
  const matrix = linear([
    [1, 2, 3],
    [0, 1, 4],
    [5, 6, 0],
  ]);
  const identity = inOrder(matrix, inverted(matrix));
  t.true(identity.every((value, i) => Math.abs(value - (i % 5 === 0 ? 1 : 0)) < 1e-12));
});

for (const [name, augment, still] of [
  ['colour', colorJitter(), colorJitter({brightness: 0, contrast: 0, saturation: 0, hue: 0})],
  ['stain', stainJitter(), stainJitter({amount: 0, offset: 0})],
] as const) {
  test(`${name} jitter changes colours only, by seed, within reason; of strength 0 nothing`, async (t) => {
    const sample = discs();
    const before = structuredClone(sample);
    const run = (seed: number) => augment(sample, new Random(seed), alone);
    const [a, b, c] = await Promise.all([run(1), run(1), run(2)]);
    t.deepEqual(a, b);
    t.notDeepEqual(a.image, c.image);
    t.is(a.instances, sample.instances);
    const unchanged = (await still(sample, new Random(1), alone)).image.data;
    t.true(unchanged.every((value, i) => Math.abs(value - before.image.data[i]!) <= 1));
    t.deepEqual(sample, before);
    const moved = a.image.data.reduce((sum, value, i) => sum + Math.abs(value - before.image.data[i]!), 0);
    t.true(moved / a.image.data.length > 0.5 && moved / a.image.data.length < 80);
  });
}

test('more of both stains is darker, less lighter', async (t) => {
  const {pixels: native} = await loadBinding();
  const tissue = Uint8Array.of(180, 120, 170);
  const [darker] = await native.adjustDensities(tissue, [1.5, 0, 0, 0, 0, 1.5, 0, 0, 0, 0, 1.5, 0]);
  const [lighter] = await native.adjustDensities(tissue, [0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0]);
  // Optical density is the logarithm of transmitted light: 255 · (180 / 255)^1.5 and ^0.5. White stays white.
  t.true(Math.abs(darker! - 255 * (180 / 255) ** 1.5) < 2 && Math.abs(lighter! - 255 * (180 / 255) ** 0.5) < 2);
});
