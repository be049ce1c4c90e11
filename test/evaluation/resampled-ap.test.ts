import test from 'ava';
import {Random} from '../../lib/basics/random.js';
import {Turn} from '../../lib/basics/turns.js';
import {scoreCoco} from '../../lib/evaluation/coco-scores.js';
import {DetectedObjects, TrueObjects} from '../../lib/evaluation/object-table.js';
import {ResampledAp} from '../../lib/evaluation/resampled-ap.js';

type Box = [number, number, number, number];
type Truth = {image: number; label: number; box: Box; area: number; crowd: boolean};
type Found = {image: number; label: number; box: Box; score: number};

const CLASSES = ['a', 'b', 'c'];
const noMask = {size: [100, 100] as [number, number], counts: ''};

/** Boxes on `images` images, each found about here, and some false alarms. All scores differ. */
function scene(seed: number, images: number): {truth: Truth[]; found: Found[]} {
  const random = new Random(seed);
  const between = (low: number, high: number) => low + random.integer(high - low + 1);
  const truth = Array.from({length: 5 * images}, (): Truth => {
    const box: Box = [between(0, 60), between(0, 60), between(10, 40), between(10, 40)];
    // Class c is on the first image only.
    const image = random.integer(images);
    const label = image === 0 ? between(1, 3) : between(1, 2);
    return {image, label, box, area: box[2] * box[3], crowd: random.chance(0.1)};
  });
  const shifted = ([left, top, width, height]: Box): Box =>
    [
      ...[left + between(-4, 4), top + between(-4, 4)],
      ...[width + between(-3, 3), height + between(-3, 3)],
    ] as unknown as Box;
  const found = truth.flatMap(({image, label, box}): Found[] =>
    Array.from({length: random.integer(4)}, () => ({image, label, box: shifted(box), score: random.next()})),
  );
  return {truth, found};
}

/** The evaluation of a data set that has image i `times[i]` times. */
async function evaluated({truth, found}: ReturnType<typeof scene>, times: ArrayLike<number>) {
  const copies = Array.from(times).flatMap((count, image) => new Array<number>(count).fill(image));
  const [objects, detected] = [new TrueObjects(), new DetectedObjects()];
  for (const [copy, image] of copies.entries()) {
    for (const each of truth.filter((object) => object.image === image)) objects.add(copy, [{...each, mask: noMask}]);
    for (const each of found.filter((object) => object.image === image)) detected.add(copy, {...each, counts: ''});
  }
  const sizes = Int32Array.from({length: 2 * copies.length}, () => 100);
  const native = {classes: 3, sizes, truth: objects.toNative(), detected: detected.toNative(), shape: 'box'} as const;
  return scoreCoco(native, {classes: CLASSES});
}

const near = (a: number | null, b: number | null) => a === b || Math.abs(a! - b!) < 1e-12;

test('with each image once, the scores are those of the evaluation', async (t) => {
  for (let seed = 0; seed < 10; seed++) {
    const {scores, matches} = await evaluated(scene(seed, 6), new Uint32Array(6).fill(1));
    const again = await new ResampledAp(matches, 3).scores(new Uint32Array(6).fill(1), new Turn());
    t.true(near(again.ap, scores.ap) && near(again.ap50, scores.ap50), `seed ${seed}`);
    for (const [k, ap] of again.classes.entries()) t.true(near(ap, scores.classes[k]!.ap), `seed ${seed}, class ${k}`);
  }
});

test('a choice of images has the scores of a data set that has them as often', async (t) => {
  let without = 0;
  for (let seed = 0; seed < 30; seed++) {
    const given = scene(seed, 8);
    const {matches} = await evaluated(given, new Uint32Array(8).fill(1));
    const ap = new ResampledAp(matches, 3);
    const random = new Random(seed, 1);
    const times = new Uint32Array(8);
    for (let i = 0; i < 8; i++) times[random.integer(8)]!++;
    const {scores} = await evaluated(given, times);
    const again = await ap.scores(times, new Turn());
    t.true(near(again.ap, scores.ap) && near(again.ap50, scores.ap50), `seed ${seed}: ${again.ap}, not ${scores.ap}`);
    for (const [k, each] of again.classes.entries())
      t.true(near(each, scores.classes[k]!.ap), `seed ${seed}, class ${k}`);
    if (again.classes[2] === null) without++;
  }
  t.true(without > 0, 'class c is missing where its image is');
});

test('no images, and classes without detections', async (t) => {
  const given = scene(1, 4);
  const {matches} = await evaluated({...given, found: []}, [1, 1, 1, 1]);
  const ap = new ResampledAp(matches, 3);
  t.is((await ap.scores(Uint32Array.of(1, 1, 1, 1), new Turn())).ap, 0);
  t.deepEqual(await ap.scores(new Uint32Array(4), new Turn()), {ap: null, ap50: null, classes: [null, null, null]});
});
