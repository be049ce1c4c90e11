import test from 'ava';
import {inFlagSpelling} from '../../lib/cli/option-spelling.js';
import {TRAIN_CONFIG} from '../../lib/cli/train-config.js';

for (const [message, expected] of [
  ['Name it with `imageFolder` or `maskFolder`.', 'Name it with --image-folder or --mask-folder.'],
  ['If NAME_seg is the mask, set `maskSuffix` to _seg.', 'If NAME_seg is the mask, set --mask-suffix to _seg.'],
  ["Pass binary: 'components' to make parts.", 'Pass --binary components to make parts.'],
  ['Choose a smaller batchSize, or leave out dropLast.', 'Choose a smaller --batch-size, or leave out dropLast.'],
  ["Option 'lr' of maskrcnn train must be a number", 'Option --lr of maskrcnn train must be a number'],
  ['(minSize 800, maxSize 1333)', '(--min-size 800, --max-size 1333)'],
  ['Pass skipNonFinite: 3 for up to three.', 'Pass --skip-non-finite 3 for up to three.'],
  // Neither options nor to be changed.
  ['/data/maskSuffix/batchSize.png has no mask', '/data/maskSuffix/batchSize.png has no mask'],
  ['Build it with `npm run build:addon`.', 'Build it with `npm run build:addon`.'],
  ['images and masks: 3 of them', 'images and masks: 3 of them'],
  ['the weights: last.safetensors of this run', 'the weights: last.safetensors of this run'],
] as const) {
  test(message, (t) => {
    t.is(inFlagSpelling(message, TRAIN_CONFIG), expected);
  });
}
