import test from 'ava';
import {elastic, randomAffine} from '../../lib/augment/affine.js';
import {colorJitter, stainJitter} from '../../lib/augment/color.js';
import {copyPaste} from '../../lib/augment/copy-paste.js';
import {randomCrop} from '../../lib/augment/crop.js';
import {AUGMENT_NAMES, toAugmentation} from '../../lib/augment/presets.js';
import {randomRotate90} from '../../lib/augment/rotate90.js';
import {scaleJitter} from '../../lib/augment/scale-jitter.js';
import {Random} from '../../lib/basics/random.js';
import {alone, discs} from './samples.js';

const faults: [make: () => unknown, message: RegExp][] = [
  [() => randomAffine({rotat: 3} as never), /^randomAffine\(\) has no option 'rotat'\.\nDid you mean 'rotate'\?$/],
  [
    () => randomAffine({rotate: 181}),
    /^Option 'rotate' of randomAffine\(\) must be a number >= 0 and <= 180, got 181\.$/,
  ],
  [
    () => randomAffine({scale: [2, 1]}),
    /^Option 'scale' of randomAffine\(\) must be \[least, greatest\], got \[2, 1\]\.$/,
  ],
  [
    () => randomAffine({elastic: {strength: 0.5}}),
    /^Option 'strength' of randomAffine\(\)'s elastic must be .*, got 0\.5\.$/,
  ],
  [() => randomAffine({border: [1, 2, 300]}), /^Option 'border' of randomAffine\(\) must be .*, got \[1, 2, 300\]\.$/],
  [
    () => randomAffine({elastic: {spacng: 0.1} as never}),
    /^randomAffine\(\)'s elastic has no option 'spacng'\.\nDid you mean 'spacing'\?$/,
  ],
  [() => randomAffine({elastic: 0.2 as never}), /^Option 'elastic' of randomAffine\(\) must be an object, got 0\.2\.$/],
  [() => randomAffine({border: 'reflct' as never}), /, got 'reflct'\.\nDid you mean 'reflect'\?$/],
  [() => elastic(0.2 as never), /^The options of elastic\(\) must be an object, got 0\.2\.$/],
  [() => elastic({strengh: 0.1} as never), /^elastic\(\) has no option 'strengh'\.\nDid you mean 'strength'\?$/],
  [
    () => colorJitter({brightnes: 0.1} as never),
    /^colorJitter\(\) has no option 'brightnes'\.\nDid you mean 'brightness'\?$/,
  ],
  [
    () => stainJitter({stain: 1} as never),
    /^stainJitter\(\) has no option 'stain'\.\nIts options are amount, offset\.$/,
  ],
  [() => copyPaste({augment: 'lsj'} as never), /^Option 'augment' of copyPaste\(\) must be a function, got 'lsj'\.$/],
  [() => randomCrop({sizes: [0.5, 1]} as never), /^randomCrop\(\) has no option 'sizes'\.\nDid you mean 'size'\?$/],
  [
    () => scaleJitter({range: [2, 0.1]}),
    /^Option 'range' of scaleJitter\(\) must be \[least, greatest\], got \[2, 0\.1\]\.$/,
  ],
  [() => elastic({spacing: 0}), /^Option 'spacing' of elastic\(\) must be .*, got 0\.$/],
  [() => colorJitter({hue: 0.6}), /^Option 'hue' of colorJitter\(\) must be .*, got 0\.6\.$/],
  [() => stainJitter({amount: -1}), /^Option 'amount' of stainJitter\(\) must be .*, got -1\.$/],
  [() => copyPaste({chance: 2}), /^Option 'chance' of copyPaste\(\) must be .*, got 2\.$/],
  [() => randomCrop({size: [0, 1]}), /^Option 'size' of randomCrop\(\) must be .*, got \[0, 1\]\.$/],
  [
    () => randomCrop({size: [1, 0.5]}),
    /^Option 'size' of randomCrop\(\) must be \[least, greatest\], got \[1, 0\.5\]\.$/,
  ],
  [
    () => scaleJitter({range: [0.1]} as never),
    /^Option 'range' of scaleJitter\(\) must be an array of 2 items, .*, got \[0\.1\]\.$/,
  ],
  [() => randomRotate90(-0.1), /^Option 'chance' of randomRotate90\(\) must be .*, got -0\.1\.$/],
  [
    () => toAugmentation('histolgy' as never),
    /^An augmentation must be .*, got 'histolgy'\.\nDid you mean 'histology'\?$/,
  ],
];

for (const [make, message] of faults) {
  test(`refused: ${String(make).slice(6, 60)}`, (t) => {
    t.throws(make, {code: 'INVALID_OPTION', message});
  });
}

test('every preset by its name', async (t) => {
  t.deepEqual([...AUGMENT_NAMES], ['none', 'hflip', 'flips', 'multiscale', 'lsj', 'histology']);
  for (const name of AUGMENT_NAMES) {
    const samples = await Promise.all(
      Array.from({length: 8}, (_, seed) => toAugmentation(name)(discs(), new Random(seed), alone)),
    );
    const changed = samples.filter(({image}) => !Buffer.from(image.data).equals(discs().image.data)).length;
    t.is(changed > 0, name !== 'none', name);
    t.true(samples.every(({image}) => image.width === 90 && image.height === 70));
  }
});
