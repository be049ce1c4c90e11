import {existsSync} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import sharp from 'sharp';
import type {MaskedInstance} from '../../lib/datasets/dataset.js';
import {
  Coco,
  type Dataset,
  describeInspection,
  type InspectOptions,
  type Instance,
  inspect,
  MaskFolder,
} from '../../lib/index.js';

const none = {count: 0, examples: []};
const noSuspects = {boxes: none, onePixel: none, subPixel: none, doubled: none, nearDoubled: none};

/** An instance whose mask is a full rectangle. */
function block(left: number, top: number, width: number, height: number, rest: Partial<Instance> = {}): MaskedInstance {
  const data = new Uint8Array(width * height).fill(1);
  return {label: 1, box: [left, top, left + width, top + height], mask: {left, top, width, height, data}, ...rest};
}

function dataOf(instances: Instance[], {width = 100, height = 100} = {}): Dataset {
  const image = {data: new Uint8Array(width * height * 3), width, height};
  return {length: 1, classes: ['cell', 'dirt'], get: async () => ({file: 'a.png', image, instances})};
}

async function suspectsOf(instances: Instance[], size = {}, options = {}) {
  return (await inspect(dataOf(instances, size), options)).suspects;
}

test('boxes that are off by more than 2 pixels, or by more than 1 pixel and 10 % of the side', async (t) => {
  const cases: [instance: Instance, isTold: boolean][] = [
    [block(10, 10, 50, 50), false],
    [block(10, 10, 50, 50, {box: [8, 8, 62, 62]}), false],
    [block(10, 10, 50, 50, {box: [10, 10, 62.1, 60]}), true],
    [block(10, 10, 50, 50, {box: [10, 12.1, 60, 60]}), true],
    // 10 % of 15 pixels.
    [block(10, 10, 15, 50, {box: [8.5, 10, 25, 60]}), false],
    [block(10, 10, 15, 50, {box: [8.4, 10, 25, 60]}), true],
    // The fraction of a polygon's corner.
    [block(10, 10, 2, 2, {box: [9, 10, 13, 12]}), false],
    [block(10, 10, 2, 2, {box: [9, 10, 13.1, 12]}), true],
  ];
  for (const [instance, isTold] of cases) {
    t.is((await suspectsOf([instance])).boxes.count, isTold ? 1 : 0, `[${instance.box}]`);
  }
});

test('the extent of a mask counts, not its rectangle', async (t) => {
  const data = new Uint8Array(40 * 40);
  data.fill(1, 20 * 40 + 20, 20 * 40 + 30);
  const mask = {left: 10, top: 10, width: 40, height: 40, data};
  t.deepEqual(await suspectsOf([{label: 1, box: [30, 30, 40, 31], mask}]), noSuspects);
  t.deepEqual((await suspectsOf([{label: 1, box: [10, 10, 50, 50], mask, id: 7}])).boxes, {
    count: 1,
    examples: ['Instance 0 (id 7) of a.png has the box [10, 10, 50, 50], its mask [30, 30, 40, 31]'],
  });
});

test('objects of one pixel, and below one pixel at the training size', async (t) => {
  const size = {width: 2000, height: 1000};
  const dot = block(3, 4, 1, 1);
  const line = block(10, 10, 30, 1);
  // 1333 / 2000 is less than 800 / 1000.
  t.deepEqual(await suspectsOf([dot, line, block(50, 50, 2, 2)], size), {
    ...noSuspects,
    onePixel: {count: 1, examples: ['Instance 0 of a.png']},
    subPixel: {
      count: 2,
      examples: [
        'Instance 0 of a.png has 1 × 1 of 2000 × 1000 pixels',
        'Instance 1 of a.png has 30 × 1 of 2000 × 1000 pixels',
      ],
    },
  });
  t.is((await suspectsOf([line], size, {minSize: 1000, maxSize: 2000})).subPixel.count, 0);
  t.is((await suspectsOf([block(50, 50, 2, 2)], size, {minSize: 400})).subPixel.count, 1);
  t.deepEqual(await suspectsOf([line]), noSuspects);
});

test('objects on one another: the same label and the same pixels', async (t) => {
  const corner = block(10, 10, 4, 4);
  corner.mask.data[0] = 0;
  const otherCorner = block(10, 10, 4, 4);
  otherCorner.mask.data[15] = 0;
  const wider = {...block(10, 10, 5, 4), box: corner.box};
  wider.mask.data.set([0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0]);
  const found = await suspectsOf([corner, otherCorner, {...corner, label: 2}, {...wider, id: 3}, block(30, 10, 4, 4)]);
  t.deepEqual(found, {
    ...noSuspects,
    doubled: {count: 1, examples: ['Instance 3 (id 3) of a.png has the mask of instance 0']},
  });
});

test('faulty instances are faults, not suspects', async (t) => {
  const {suspects, faults} = await inspect(
    dataOf([block(1, 1, 1, 1, {label: 9}), block(1, 1, 1, 1, {box: [Number.NaN, 1, 2, 2]})]),
  );
  t.is(faults.length, 2);
  t.deepEqual(suspects, noSuspects);
});

test('in words: a line for each kind that occurs, with three examples at most', async (t) => {
  const size = {width: 2000, height: 1000};
  const dots = Array.from({length: 4}, (_, i) => block(2 * i, 0, 1, 1));
  const inspection = await inspect(dataOf([...dots, dots[0]!, block(9, 9, 9, 9, {box: [9, 9, 40, 18]})], size));
  t.deepEqual(
    describeInspection(inspection)
      .split('\n')
      .filter((line) => line.startsWith('Warning: ')),
    [
      "Warning: No instance is of class 'dirt'.",
      'Warning: 1 box does not fit its mask (an edge is off by more than 2 pixels, or by more than 1 pixel and 10 % of ' +
        'the side): Instance 5 of a.png has the box [9, 9, 40, 18], its mask [9, 9, 18, 18].',
      'Warning: 5 objects are of one pixel: Instance 0 of a.png; Instance 1 of a.png; Instance 2 of a.png; and 2 more.',
      'Warning: 5 objects are less than one pixel wide or high at the training size (minSize 800, maxSize 1333): ' +
        'Instance 0 of a.png has 1 × 1 of 2000 × 1000 pixels; Instance 1 of a.png has 1 × 1 of 2000 × 1000 pixels; ' +
        'Instance 2 of a.png has 1 × 1 of 2000 × 1000 pixels; and 2 more.',
      'Warning: 1 object has the label and the mask of another object of the same image: ' +
        'Instance 4 of a.png has the mask of instance 0.',
    ],
  );
  t.deepEqual(inspection.faults, []);
});

test('a fixed size may shrink one side alone, and without resizing nothing becomes smaller', async (t) => {
  const size = {width: 200, height: 100};
  const lines = [block(10, 10, 1, 30), block(20, 10, 30, 1)];
  const told = async (options: object) => (await suspectsOf(lines, size, options)).subPixel.examples;
  const upright = 'Instance 0 of a.png has 1 × 30 of 200 × 100 pixels';
  t.deepEqual(await told({fixedSize: [100, 100]}), [upright]);
  t.deepEqual(await told({fixedSize: [200, 100], minSize: 1, maxSize: 1}), []);
  t.is((await told({minSize: 50, fixedSize: null})).length, 2);
  t.deepEqual(await told({minSize: 50, skipResize: true}), []);
  t.deepEqual(await told({fixedSize: [100, 100], skipResize: true}), []);
  const {warnings} = await inspect(dataOf(lines, size), {fixedSize: [100, 100]});
  t.is(
    warnings.at(-1),
    `1 object is less than one pixel wide or high at the training size (fixedSize [100, 100]): ${upright}.`,
  );
});

test('without resizing, and at a fixed size, no image is too thin', async (t) => {
  const thin = dataOf([], {width: 3000, height: 1});
  t.is((await inspect(thin)).faults[0]!.code, 'INVALID_IMAGE');
  t.deepEqual((await inspect(thin, {skipResize: true})).faults, []);
  t.deepEqual((await inspect(thin, {fixedSize: [64, 64]})).faults, []);
});

test('the training size must be whole pixels', async (t) => {
  for (const options of [{minSize: 0}, {maxSize: 1.5}, {fixedSize: [0, 1]}] as InspectOptions[]) {
    await t.throwsAsync(inspect(dataOf([]), options), {code: 'INVALID_OPTION', message: /must be an .*integer >= 1/});
  }
});

test('a folder of masks has the boxes of its masks', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-suspects-'));
  t.teardown(() => rm(folder, {recursive: true}));
  const ids = Buffer.alloc(40 * 30);
  ids.fill(1, 5 * 40 + 3, 5 * 40 + 20);
  ids[29 * 40 + 39] = 2;
  const raw = {width: 40, height: 30, channels: 1} as const;
  await sharp(ids, {raw}).png().toFile(join(folder, 'a.png'));
  await sharp(ids, {raw}).png().toFile(join(folder, 'a_mask.png'));
  const {suspects, instances} = await inspect(await MaskFolder.open(folder, {classes: ['cell']}));
  t.is(instances, 2);
  t.deepEqual(suspects, {
    ...noSuspects,
    onePixel: {count: 1, examples: [`Instance 1 (id 2) of ${join(folder, 'a.png')}`]},
  });
});

test("COCO's own boxes: a few do not fit; none does not with boxes of the masks", async (t) => {
  const root = fileURLToPath(new URL('../../../shared/data/tiny-coco', import.meta.url));
  if (!existsSync(root)) {
    t.log('skipped: the data set is not there');
    t.pass();
    return;
  }
  const file = join(root, 'annotations', 'instances_val2017.json');
  const images = join(root, 'val2017');
  const {suspects} = await inspect(await Coco.open(file, {images}));
  t.is(suspects.boxes.count, 4);
  t.regex(suspects.boxes.examples[0]!, /^Instance \d+ \(id \d+\) of .*\.jpg has the box \[/);
  const fromMasks = await inspect(await Coco.open(file, {images, boxes: 'masks'}));
  t.is(fromMasks.suspects.boxes.count, 0);
});
