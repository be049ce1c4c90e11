import test from 'ava';
import {drawGlandImage} from '../../../examples/glands/generate.js';

test('the same seed draws the same image, another seed another', (t) => {
  const image = drawGlandImage(3);
  const again = drawGlandImage(3);
  // Ava's own comparison of long arrays takes seconds.
  t.is(Buffer.compare(again.data, image.data), 0);
  t.is(Buffer.compare(again.ids, image.ids), 0);
  t.not(Buffer.compare(drawGlandImage(4).data, image.data), 0);
});

test('an image has bytes for its pixels and ids 1, 2, ... without gaps', (t) => {
  for (let seed = 0; seed < 8; seed++) {
    const {data, ids} = drawGlandImage(seed, 120, 90);
    t.is(data.length, 120 * 90 * 3);
    t.is(ids.length, 120 * 90);
    const present = [...new Set(ids)].sort((a, b) => a - b);
    t.deepEqual(
      present,
      present.map((_, index) => index),
    );
    t.true(present.length > 1, 'every image has a gland');
  }
});

test('some glands touch, under ids of their own', (t) => {
  const touching = [0, 1, 2, 3, 4, 5, 6, 7].filter((seed) => {
    const {ids, width} = drawGlandImage(seed);
    return ids.some((id, index) => {
      const right = ids[index + 1]!;
      return (index + 1) % width !== 0 && id !== 0 && right !== 0 && right !== id;
    });
  });
  t.true(touching.length >= 3, `images with touching glands: ${touching}`);
});

test('colour alone does not tell glands: stroma and glands share most of their range of brightness', (t) => {
  for (const seed of [1, 2, 3]) {
    const {data, ids} = drawGlandImage(seed);
    const inside: number[] = [];
    const outside: number[] = [];
    ids.forEach((id, index) => {
      (id === 0 ? outside : inside).push(data[3 * index + 1]!);
    });
    const quantile = (values: number[], share: number) =>
      values.sort((a, b) => a - b)[Math.floor(share * (values.length - 1))]!;
    t.true(quantile(inside, 0.1) < quantile(outside, 0.5), 'nuclei are darker than stroma');
    t.true(quantile(inside, 0.9) > quantile(outside, 0.5), 'lumens are brighter');
  }
});
