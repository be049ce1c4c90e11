import test from 'ava';
import {copyPaste} from '../../lib/augment/copy-paste.js';
import {flipHorizontal} from '../../lib/augment/flip.js';
import {Random} from '../../lib/basics/random.js';
import {hasMask, type Sample} from '../../lib/datasets/dataset.js';
import {alone, discs, idsOfColours} from './samples.js';

/** A sample with other colours, ids and size. */
function other(): Sample {
  const {image, instances} = discs(120, 60);
  const data = image.data.map((value, i) => (i % 3 === 0 && value === 250 ? 251 : value));
  return {
    ...discs(120, 60),
    image: {...image, data},
    instances: instances.map((each) => ({...each, id: each.id! + 10})),
  };
}

const context = {another: async () => other()};

test('objects of another image cover what is below, in the image and in the masks', async (t) => {
  const sample = discs();
  const before = structuredClone(sample);
  for (let seed = 0; seed < 20; seed++) {
    const after = await copyPaste({chance: 1, share: 1})(sample, new Random(seed), context);
    const pasted = after.instances.filter(({id}) => id! > 10);
    const owners = new Int32Array(90 * 70);
    for (const {mask, id, box} of after.instances.filter(hasMask)) {
      t.deepEqual(box, [mask.left, mask.top, mask.left + mask.width, mask.top + mask.height]);
      for (const [i, on] of mask.data.entries()) {
        const at = (mask.top + Math.floor(i / mask.width)) * 90 + mask.left + (i % mask.width);
        if (!on) continue;
        // Pasted objects come from one image and do not overlap. The objects below them lose the covered pixels.
        t.is(owners[at], 0, 'a pixel has one owner');
        owners[at] = id!;
      }
    }
    const red = [...owners.keys()].map((i) => after.image.data[3 * i]!);
    t.true(red.every((value, i) => (value === 251) === owners[i]! > 10));
    const seen = idsOfColours(after);
    t.true(seen.every((id, i) => id < 0 || owners[i] === id || owners[i] === 0));
    if (seed === 0) t.true(pasted.length > 0);
  }
  t.deepEqual(sample, before);
});

test('chance, share and what happens to the other image before', async (t) => {
  const sample = discs();
  t.is(await copyPaste({chance: 0})(sample, new Random(1), alone), sample);
  const none = await copyPaste({chance: 1, share: 0})(sample, new Random(1), context);
  t.deepEqual(none, sample);
  let asked = 0;
  const augment = (given: Sample) => {
    asked++;
    return flipHorizontal(given);
  };
  await copyPaste({chance: 1, augment})(sample, new Random(1), context);
  t.is(asked, 1);
  const counts = await Promise.all(
    Array.from({length: 60}, async (_, seed) => {
      const {instances} = await copyPaste({chance: 1, share: 0.5})(sample, new Random(seed), context);
      return instances.filter(({id}) => id! > 10).length;
    }),
  );
  t.true(Math.max(...counts) >= 2 && Math.min(...counts) === 0);
});
