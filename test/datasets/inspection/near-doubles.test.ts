import test from 'ava';
import {Random} from '../../../lib/basics/random.js';
import type {MaskedInstance} from '../../../lib/datasets/dataset.js';
import {type MeasuredMask, nearDoubles} from '../../../lib/datasets/inspection/near-doubles.js';
import {type Dataset, inspect} from '../../../lib/index.js';

/** A mask from the set of its pixels, x + y·1000. */
function maskOf(pixels: ReadonlySet<number>, label = 1): MeasuredMask {
  const all = [...pixels].map((pixel) => [pixel % 1000, Math.floor(pixel / 1000)] as const);
  const [xs, ys] = [all.map(([x]) => x), all.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [x1, y1] = [Math.max(...xs) + 1, Math.max(...ys) + 1];
  const [width, height] = [x1 - left, y1 - top];
  const data = new Uint8Array(width * height);
  for (const [x, y] of all) data[(y - top) * width + x - left] = 1;
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const centre = {x: mean(xs), y: mean(ys)};
  return {label, mask: {left, top, width, height, data}, x0: left, y0: top, x1, y1, area: all.length, centre};
}

function rectangle(left: number, top: number, width: number, height: number): Set<number> {
  return new Set(
    Array.from({length: width * height}, (_, i) => left + (i % width) + 1000 * (top + Math.floor(i / width))),
  );
}

function iou(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  let both = 0;
  for (const pixel of a) if (b.has(pixel)) both++;
  return both / (a.size + b.size - both);
}

test('an IoU of exactly 0.9 is none, and above it is one', async (t) => {
  // 90 of 100 pixels; 10 × 100 with 10 × 91 of it.
  const none = [rectangle(0, 0, 10, 10), rectangle(0, 0, 10, 9)];
  t.is((await nearDoubles(none.map((set) => maskOf(set)))).size, 0);
  const one = [rectangle(0, 0, 10, 100), rectangle(0, 0, 10, 91)];
  t.deepEqual([...(await nearDoubles(one.map((set) => maskOf(set))))], [[1, 0]]);
  t.is((await nearDoubles(one.map((set, i) => maskOf(set, 1 + i)))).size, 0, 'another class');
});

test('a thin tail moves the centre and the box, and the twin is found all the same', async (t) => {
  const body = rectangle(100, 100, 20, 20);
  const tailed = new Set([...body, ...rectangle(120, 110, 40, 1)]);
  t.true(iou(body, tailed) > 0.9);
  for (const pair of [
    [body, tailed],
    [tailed, body],
  ]) {
    t.deepEqual([...(await nearDoubles(pair.map((set) => maskOf(set))))], [[1, 0]]);
  }
});

test('random masks: each pair above 0.9 has at least one that is found, and what is found has a twin', async (t) => {
  for (let seed = 0; seed < 40; seed++) {
    const random = new Random(seed);
    const between = (low: number, high: number) => low + random.integer(high - low + 1);
    const sets = Array.from({length: 60}, () =>
      rectangle(between(0, 6), between(0, 6), between(20, 26) * (random.chance(0.1) ? 4 : 1), between(20, 26)),
    );
    const masks = sets.map((set) => maskOf(set, 1 + random.integer(2)));
    const twins = await nearDoubles(masks);
    let pairs = 0;
    for (const [i, a] of sets.entries()) {
      for (const [j, b] of sets.entries()) {
        if (i >= j || masks[i]!.label !== masks[j]!.label || iou(a, b) <= 0.9) continue;
        pairs++;
        t.true(twins.has(i) || twins.has(j), `seed ${seed}: ${i} and ${j}`);
      }
    }
    t.true(pairs > 0);
    for (const [i, twin] of twins) {
      t.true(twin < i && masks[i]!.label === masks[twin]!.label && iou(sets[i]!, sets[twin]!) > 0.9);
    }
  }
});

test('70,000 objects, apart or all on one another', async (t) => {
  const apart = Array.from({length: 70_000}, (_, i) => block(10 * (i % 300), 10 * Math.floor(i / 300)));
  const one = Array.from({length: 70_000}, () => block(5, 5));
  for (const [instances, found] of [
    [apart, 0],
    [one, 69_999],
  ] as const) {
    const masks = instances.map(({mask}) => ({
      ...{label: 1, mask, x0: mask.left, y0: mask.top, x1: mask.left + 8, y1: mask.top + 8, area: 64},
      centre: {x: mask.left + 3.5, y: mask.top + 3.5},
    }));
    t.is((await nearDoubles(masks)).size, found);
  }
});

function block(left: number, top: number, side = 8): MaskedInstance {
  const mask = {left, top, width: side, height: side, data: new Uint8Array(side * side).fill(1)};
  return {label: 1, box: [left, top, left + side, top + side], mask};
}

test('inspect() tells near doubles apart from equal masks', async (t) => {
  const near = block(10, 10, 40);
  near.mask.data[0] = 0;
  const instances = [block(10, 10, 40), block(10, 10, 40), near, block(60, 60)];
  const image = {data: new Uint8Array(100 * 100 * 3), width: 100, height: 100};
  const data: Dataset = {length: 1, classes: ['cell'], get: async () => ({file: 'a.png', image, instances})};
  const {suspects, warnings} = await inspect(data);
  t.deepEqual(suspects.doubled, {count: 1, examples: ['Instance 1 of a.png has the mask of instance 0']});
  t.deepEqual(suspects.nearDoubled, {count: 1, examples: ['Instance 2 of a.png has almost the mask of instance 0']});
  t.regex(warnings.at(-1)!, /^1 object has the label and almost the mask of another object .* \(IoU above 0\.9\): /);
});
