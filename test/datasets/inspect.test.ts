import test from 'ava';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import type {Dataset, Sample} from '../../lib/datasets/dataset.js';
import {inspect} from '../../lib/datasets/inspect.js';
import {describeInspection} from '../../lib/datasets/inspection/describe-inspection.js';
import {split} from '../../lib/datasets/split.js';
import {depthNotice} from '../image/depth-notice.js';
import {blobSample} from '../tiny.js';

/** Image 0 has two labels and two bad instances, 1 is unreadable, 2 has no objects, and 3 has the pixels of 4. */
async function get(index: number): Promise<Sample> {
  if (index === 1) throw new MaskRcnnError('INVALID_MASK', 'blob_1.png has no mask.', {file: 'blob_1.png'});
  const sample = blobSample(index === 0 ? 5 : index === 3 ? 4 : index);
  sample.file = `blob_${index}.png`;
  if (index === 2) sample.instances = [];
  if (index !== 0) return sample;
  const [first, second, third] = sample.instances;
  second!.label = 3;
  third!.box = [5, 5, 5, 9];
  return {...sample, instances: [first!, second!, third!, {...first!, label: 2}]};
}

const data: Dataset = {length: 5, classes: ['disc', 'ring', 'star'].slice(0, 2), get};
const more: Dataset = {...data, classes: ['disc', 'ring', 'star', 'moon']};

test('every fault is found, not only the first, and what can be read is counted', async (t) => {
  const done: number[] = [];
  const found = await inspect(data, {onImage: (count) => done.push(count)});
  t.deepEqual(done, [1, 2, 3, 4, 5]);
  t.deepEqual(
    found.faults.map(({code, file, message}) => [code, file, message.split('\n')[0]]),
    [
      ['INVALID_TARGET', 'blob_0.png', 'Instance 1 of blob_0.png must have a label in 1..2 (disc, ring), got 3.'],
      [
        'INVALID_TARGET',
        'blob_0.png',
        'Instance 2 of blob_0.png must have a box [x0, y0, x1, y1] with x0 < x1 and y0 < y1, got [5, 5, 5, 9].',
      ],
      ['INVALID_MASK', 'blob_1.png', 'blob_1.png has no mask.'],
    ],
  );
  const {images, instances, negatives, classes, width, height, instancesPerImage, area, warnings} = found;
  t.deepEqual({images, instances, negatives}, {images: 5, instances: 8, negatives: 1});
  t.deepEqual(classes, [
    {name: 'disc', instances: 6, images: 3},
    {name: 'ring', instances: 1, images: 1},
  ]);
  t.deepEqual(width, {min: 64, median: 64, max: 64});
  t.deepEqual(height, width);
  t.deepEqual(instancesPerImage, {min: 0, median: 2, max: 4});
  // The discs have a radius of 6 to 10.
  t.true(area!.min >= 100 && area!.max <= 330 && area!.median >= area!.min && area!.median <= area!.max);
  t.deepEqual(warnings, ['blob_3.png and blob_4.png are the same image.']);
});

test('classes without an instance are warned of', async (t) => {
  const {classes, faults, warnings} = await inspect(more);
  t.is(faults.length, 2);
  t.is(classes[2]!.instances, 1);
  t.is(warnings.at(-1), "No instance is of class 'moon'.");
});

test('what was left out of files is told once for the data set, with a count', async (t) => {
  const told: Dataset = {
    ...data,
    notices: ['A root is not a class.'],
    get: async (index) => {
      const sample = await get(index);
      const image = {...sample.image, notices: [depthNotice(sample.file, 152, 1806)]};
      return {...sample, image, notices: [{kind: 'pages', file: `mask_${index}.tif`, what: 'has 3 pages'}]};
    },
  };
  const {warnings} = await inspect(told);
  t.is(warnings[0], 'A root is not a class.');
  t.regex(
    warnings[1]!,
    /^4 images are read by their upper 8 bits only: blob_0\.png has 16 bits .*; and 1 more\. Pass range: \[0, 2047\], or range: 'percentile'\.$/,
  );
  t.regex(warnings[2]!, /^4 files are read by their first pages only: mask_0\.tif has 3 pages; .*; and 1 more\.$/);
  const parts = split(told, 0.5);
  t.is((await inspect(parts.training)).warnings[0], 'A root is not a class.');
});

test('in words', async (t) => {
  const lines = describeInspection(await inspect(data)).split('\n');
  t.is(lines[0], '5 images, 1 of them without instances; 8 instances.');
  t.is(lines[1], 'Width 64 to 64, half of them up to 64; height 64 to 64, half of them up to 64 pixels.');
  t.is(lines[3], "Class 'disc': 6 instances on 3 images.");
  t.regex(lines[5]!, /^Sizes of objects in training .*: half of them up to \d+\.\d pixels; 0\.0 % below 8, /);
  t.is(lines[6], 'Warning: blob_3.png and blob_4.png are the same image.');
  t.is(lines.filter((line) => line.startsWith('Fault: ')).length, 3);
  t.is(lines.at(-1), '3 faults.');
});

test('where nothing could be read, nothing is said of classes and sizes', async (t) => {
  const found = await inspect({...more, get: () => get(1)});
  t.deepEqual(found.warnings, []);
  t.is(found.faults.length, 5);
  const lines = describeInspection(found).split('\n');
  t.deepEqual(
    [lines[0], lines[1], lines.length],
    ['5 images, of which none could be read.', 'Fault: blob_1.png has no mask.', 7],
  );
});

test('a data set of nothing', async (t) => {
  const found = await inspect({...data, length: 0});
  t.like(found, {images: 0, instances: 0, width: null, area: null, faults: []});
  t.true(describeInspection(found).endsWith('No faults.'));
});

test('what get() throws is a fault of its sample', async (t) => {
  const defect = new TypeError('a defect');
  const {faults} = await inspect({...data, get: async (i) => (i === 3 ? Promise.reject(defect) : blobSample(i))});
  t.is(faults.length, 1);
  t.is(faults[0]!.message, 'Sample 3 of the data set: get(3) threw TypeError: a defect.');
  t.is(faults[0]!.cause, defect);
});

test('aborts and wrong options are thrown', async (t) => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const options = {onImage: () => controller.abort(reason), signal: controller.signal, concurrency: 1};
  t.is(await t.throwsAsync(inspect(data, options)), reason);
  await t.throwsAsync(inspect(data, {concurrency: 0}), {code: 'INVALID_OPTION'});
  await t.throwsAsync(inspect('folder' as never), {code: 'INVALID_OPTION', message: /data set/});
});
