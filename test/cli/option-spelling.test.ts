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
  ['Pass skipNonFinite: 3.', 'Pass --skip-non-finite 3.'],
  ['allowChanges: true goes on regardless.', '--allow-changes goes on regardless.'],
  ['as stored, pass exifOrientation: false.', 'as stored, pass --no-exif-orientation.'],
  ['Pass clipNorm: null for none.', 'Pass --clip-norm null for none.'],
  ["Pass range: [0, 4095], or range: 'percentile'.", 'Pass --range 0,4095, or --range percentile.'],
  ['Pass range: [-3.5, 1e-7].', 'Pass --range -3.5,1e-7.'],
  ['with channels: [0, 2], page: 1', 'with --channels 0,2, --page 1'],
  ['range: [9, 1], page: [1]', 'range: [9, 1], page: [1]'],
  ["resume: 'auto' begins anew", '--resume auto begins anew'],
  ["'data' of a resumed run must have its 5 images", 'DATA of a resumed run must have its 5 images'],
  [
    "Going on regardless: 'validation' of a resumed run must",
    'Going on regardless: --validation of a resumed run must',
  ],
  ["Option 'classes' of MaskFolder.open must be an array", 'Option --classes of maskrcnn train must be an array'],
  ['maskRcnn() takes either `weights` or', 'maskrcnn train takes either --weights or'],
  ["maskRcnn()'s boxRoiPool has no option 'a'.", "maskrcnn train's --box-roi-pool has no option 'a'."],
  ['Its options are classes, minArea, type.', 'Its options are --classes, --min-area, type.'],
  // Neither options nor to be changed.
  ['/data/maskSuffix/batchSize.png has no mask', '/data/maskSuffix/batchSize.png has no mask'],
  ['Build it with `npm run build:addon`.', 'Build it with `npm run build:addon`.'],
  ['images and masks: 3 of them', 'images and masks: 3 of them'],
  ['the weights: last.safetensors of this run', 'the weights: last.safetensors of this run'],
  ['{"minArea":1,"exifOrientation":true}', '{"minArea":1,"exifOrientation":true}'],
  ["maskrcnn train takes one DATA, got 'data', 'b'.", "maskrcnn train takes one DATA, got 'data', 'b'."],
  ['cells/Coco.open must be a data set', 'cells/Coco.open must be a data set'],
  ['the result: true, the step: false', 'the result: true, the step: false'],
  ['Training on 4 images: 2 epochs of 2 steps', 'Training on 4 images: 2 epochs of 2 steps'],
  ['the images: 007 to be seen', 'the images: 007 to be seen'],
  ['after 4 epochs: 2 are to go', 'after 4 epochs: 2 are to go'],
] as const) {
  test(message, (t) => {
    t.is(inFlagSpelling(message, TRAIN_CONFIG, 'maskrcnn train'), expected);
  });
}
