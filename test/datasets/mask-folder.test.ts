import {existsSync} from 'node:fs';
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {basename, dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {encode as encodePng} from 'fast-png';
import sharp from 'sharp';
import {type ErrorCode, MaskRcnnError} from '../../lib/basics/errors.js';
import {MaskFolder} from '../../lib/datasets/mask-folder.js';
import type {MaskFolderOptions} from '../../lib/datasets/mask-folder-options.js';
import {toNativeImage, toNativeTarget} from '../../lib/datasets/targets.js';
import {writeBmp} from '../image/bmp-writer.js';

const classes = ['gland'];
let root = '';
test.before(async () => {
  root = await mkdtemp(join(tmpdir(), 'maskrcnn-folder-'));
});
test.after.always(() => rm(root, {recursive: true, force: true}));

let folders = 0;
async function folder(files: Record<string, Uint8Array | string>): Promise<string> {
  const path = join(root, `${folders++}`);
  await mkdir(path);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), {recursive: true});
    await writeFile(join(path, name), content);
  }
  return path;
}

const image = (width = 4, height = 3) => writeBmp({width, height, bits: 24, pixel: (x, y) => x * 50 + y});
/** An 8-bit grey PNG mask from rows of digits, which are multiplied by `factor`. */
function mask(rows: string[] = ['1100', '0000', '0022'], factor = 1): Uint8Array {
  const data = Uint8Array.from(rows.join(''), (digit) => Number(digit) * factor);
  return encodePng({width: rows[0]!.length, height: rows.length, channels: 1, data});
}
const bmpMask = (rows: string[]) =>
  writeBmp({width: rows[0]!.length, height: rows.length, bits: 8, pixel: (x, y) => Number(rows[y]![x])});

async function refused(t: ExecutionContext, path: string, options: object, code: ErrorCode, message: RegExp) {
  const open = async () => {
    const data = await MaskFolder.open(path, {classes, ...options} as MaskFolderOptions);
    for (let i = 0; i < data.length; i++) await data.get(i);
  };
  const error = await t.throwsAsync(open(), {instanceOf: MaskRcnnError});
  t.is(error?.code, code);
  t.regex(error!.message.replaceAll(path, 'DIR'), message);
  return error;
}

test('the GlaS layout: image and _anno side by side, in natural order, with grades', async (t) => {
  const path = await folder({
    'train_10.bmp': image(),
    'train_10_anno.bmp': bmpMask(['0000', '0330', '0030']),
    'train_2.bmp': image(),
    'train_2_anno.bmp': bmpMask(['1100', '0000', '0022']),
    'Grade.csv': 'name,patient ID,grade (GlaS)\rtrain_2,7, benign\rother,1, malignant',
    '._train_2.bmp': 'left by macOS',
    'notes.txt': 'no image',
  });
  const data = await MaskFolder.open(path, {classes});
  t.deepEqual(data.classes, classes);
  t.deepEqual(data.files, [
    {
      name: 'train_2',
      image: join(path, 'train_2.bmp'),
      mask: join(path, 'train_2_anno.bmp'),
      patient: '7',
      grade: 'benign',
    },
    {name: 'train_10', image: join(path, 'train_10.bmp'), mask: join(path, 'train_10_anno.bmp')},
  ]);
  const sample = await data.get(0);
  t.is(sample.file, join(path, 'train_2.bmp'));
  t.deepEqual([sample.image.width, sample.image.height], [4, 3]);
  t.deepEqual(
    sample.instances.map(({label, box, id}) => ({label, box, id})),
    [
      {label: 1, box: [0, 0, 2, 1], id: 1},
      {label: 1, box: [2, 2, 4, 3], id: 2},
    ],
  );
});

test('the Penn-Fudan layout, and folders of other names', async (t) => {
  const penn = await folder({
    'PNGImages/a1.png': await sharp(Buffer.from(mask())).png().toBuffer(),
    'PedMasks/a1_mask.png': mask(),
  });
  const [first] = (await MaskFolder.open(penn, {classes})).files;
  t.is(first!.mask, join(penn, 'PedMasks', 'a1_mask.png'));
  const same = await folder({'images/x.bmp': image(), 'masks/x.png': mask()});
  t.is((await (await MaskFolder.open(same, {classes})).get(0)).instances.length, 2);
  const other = await folder({'he/x.bmp': image(), 'ids/x-cells.png': mask()});
  const options = {imageFolder: 'he', maskFolder: 'ids', maskSuffix: '-cells'};
  t.is((await MaskFolder.open(other, {classes, ...options})).length, 1);
  await refused(
    t,
    other,
    {layout: 'folders'},
    'INVALID_DATASET',
    /^DIR has no folder of images \(images, .*\nName it with/,
  );
});

test('include and exclude hold for names with and without extension', async (t) => {
  const files: Record<string, Uint8Array> = {};
  for (const name of ['train_1', 'train_2', 'test_1'])
    Object.assign(files, {[`${name}.bmp`]: image(), [`${name}_anno.png`]: mask()});
  const path = await folder({...files, 'test_9.bmp': image()}); // has no mask, but is not included either
  const names = async (options: object) =>
    (await MaskFolder.open(path, {classes, ...options})).files.map(({name}) => name);
  t.deepEqual(await names({include: 'train_*'}), ['train_1', 'train_2']);
  t.deepEqual(await names({include: ['train_1.bmp', 'test_1']}), ['test_1', 'train_1']);
  t.deepEqual(await names({include: '*_1'}), ['test_1', 'train_1']);
  t.deepEqual(await names({exclude: ['train_*', 'test_9']}), ['test_1']);
  await refused(
    t,
    path,
    {include: 'val_*'},
    'INVALID_DATASET',
    /^"val_\*"|leaves none of the 4 images of DIR\.\nThey are called test_1/,
  );
  await refused(
    t,
    path,
    {},
    'INVALID_DATASET',
    /^DIR\/test_9\.bmp has no mask: test_9_anno\.\* or test_9_mask\.\* or test_9_cp_masks\.\* is not in DIR/,
  );
});

const names = (data: MaskFolder) => data.files.map(({name, mask: file}) => `${name} ${basename(file)}`);

test('label masks of predictions are masks in a folder without others, overlays are no images', async (t) => {
  const path = await folder({
    'a.png': image(),
    'a_labels.png': mask(),
    'a_overlay.png': image(),
    'b.jpg': image(),
    'b_labels.png': mask(),
    'b_overlay.jpg': image(),
    'c.bmp': image(),
    'c_labels.png': mask(),
    'c_overlay.webp': image(),
  });
  const pairs = ['a a_labels.png', 'b b_labels.png', 'c c_labels.png'];
  t.deepEqual(names(await MaskFolder.open(path, {classes})), pairs);
  const apart = await folder({
    'images/a.png': image(),
    'images/a_overlay.png': image(),
    'labels/a_labels.png': mask(),
    'labels/a_overlay.png': image(),
  });
  t.deepEqual(names(await MaskFolder.open(apart, {classes})), ['a a_labels.png']);
});

test('beside other masks, label masks are predictions: neither masks nor images', async (t) => {
  const path = await folder({
    'a.png': image(),
    'a_mask.png': mask(),
    'a_labels.png': mask(),
    'a_overlay.png': image(),
    'b.png': image(),
    'b_labels.png': mask(),
  });
  await refused(
    t,
    path,
    {},
    'INVALID_DATASET',
    /^DIR.b\.png has no mask: b_anno\.\* or b_mask\.\* or b_cp_masks\.\* is not in DIR\./,
  );
  t.deepEqual(names(await MaskFolder.open(path, {classes, exclude: 'b*'})), ['a a_mask.png']);
  t.deepEqual(names(await MaskFolder.open(path, {classes, exclude: '*_mask'})), ['a a_labels.png', 'b b_labels.png']);
  t.is((await MaskFolder.open(path, {classes, maskSuffix: '_labels', exclude: '*_mask'})).length, 2);
  const apart = await folder({
    'images/a.png': image(),
    'images/a_overlay.png': image(),
    'images/a_labels.png': mask(),
    'masks/a.png': mask(),
    'masks/a_labels.png': mask(),
  });
  t.deepEqual(names(await MaskFolder.open(apart, {classes})), ['a a.png']);
});

test('an image that is called like a picture of a prediction is one if it has a mask of its own', async (t) => {
  const path = await folder({
    'a.png': image(),
    'a_mask.png': mask(),
    'tin_labels.png': image(),
    'tin_labels_mask.png': mask(),
    'road_overlay.png': image(),
    'road_overlay_mask.png': mask(),
  });
  t.deepEqual(names(await MaskFolder.open(path, {classes})), [
    'a a_mask.png',
    'road_overlay road_overlay_mask.png',
    'tin_labels tin_labels_mask.png',
  ]);
  const apart = await folder({'images/tin_labels.png': image(), 'masks/tin_labels.png': mask()});
  t.deepEqual(names(await MaskFolder.open(apart, {classes})), ['tin_labels tin_labels.png']);
});

test('predictions alone are no data set, and label masks need their images', async (t) => {
  const alone = await folder({'a_labels.png': mask(), 'a_overlay.png': image()});
  await refused(t, alone, {}, 'INVALID_DATASET', /got 0 images and 1 mask\.\n.*NAME_overlay and NAME_labels, are no/);
  const orphan = await folder({'a.png': image(), 'a_labels.png': mask(), 'b_labels.png': mask()});
  await refused(t, orphan, {}, 'INVALID_DATASET', /^DIR.b_labels\.png is a mask without an image in DIR\./);
});

test('what is no data set is refused by name', async (t) => {
  const missing = join(root, 'missing');
  await refused(t, missing, {}, 'INVALID_DATASET', /^DIR cannot be read: there is no such folder\.$/);
  const empty = await folder({'notes.txt': ''});
  await refused(
    t,
    empty,
    {},
    'INVALID_DATASET',
    /^DIR must hold images with instance masks, got 0 images and 0 masks\.\nExpected NAME/,
  );
  const orphan = await folder({'a.bmp': image(), 'a_anno.png': mask(), 'b_anno.png': mask()});
  await refused(t, orphan, {}, 'INVALID_DATASET', /^DIR\/b_anno\.png is a mask without an image in DIR\./);
  const twice = await folder({'a.bmp': image(), 'a.png': mask(), 'a_anno.png': mask()});
  await refused(t, twice, {}, 'INVALID_DATASET', /^DIR\/a\.bmp and DIR\/a\.png differ only in their extension\./);
  t.is((await MaskFolder.open(twice, {classes, exclude: 'a.png'})).length, 1);
});

test('bad masks are refused, naming the file', async (t) => {
  const size = await folder({'a.bmp': image(), 'a_anno.png': mask(['10', '02'])});
  await refused(
    t,
    size,
    {},
    'INVALID_MASK',
    /^DIR\/a_anno\.png must be of the size of DIR\/a\.bmp, 4 × 3, got 2 × 2\.\nImage and mask/,
  );
  const turned = await folder({'a.bmp': image(3, 4), 'a_anno.png': mask()});
  await refused(t, turned, {}, 'INVALID_MASK', /3 × 4, got 4 × 3\.\nOne is turned by 90°/);
  const broken = await folder({'a.bmp': image(), 'a_anno.png': mask().subarray(0, 40)});
  t.is(
    (await refused(t, broken, {}, 'INVALID_MASK', /^DIR\/a_anno\.png is not a readable PNG mask/))!.file,
    join(broken, 'a_anno.png'),
  );
  const lossy = await folder({'a.bmp': image(), 'a_anno.jpg': await sharp(Buffer.from(mask())).jpeg().toBuffer()});
  await refused(t, lossy, {}, 'INVALID_MASK', /must be a mask stored without loss, got JPEG/);
  const both = await folder({'a.bmp': new Uint8Array(0), 'a_anno.png': new Uint8Array(0)});
  await refused(t, both, {}, 'INVALID_IMAGE', /^DIR\/a\.bmp must be an image, got an empty file/);
});

test('a binary mask of several parts needs to be told apart', async (t) => {
  const rows = ['1100', '0000', '0011'];
  const paths = [
    await folder({'a.bmp': image(), 'a_anno.png': mask(rows, 255)}),
    await folder({
      'a.bmp': image(),
      'a_anno.bmp': writeBmp({width: 4, height: 3, bits: 1, pixel: (x, y) => Number(rows[y]![x])}),
    }),
  ];
  for (const [i, path] of paths.entries()) {
    const value = i === 0 ? 255 : 1;
    const message = new RegExp(
      `_anno\\....? must have a value of its own .*, got 0 and ${value} only, in 2 separate parts\\.\nIt is a binary`,
    );
    await refused(t, path, {}, 'INVALID_MASK', message);
    const count = async (binary: 'components' | 'whole') =>
      (await (await MaskFolder.open(path, {classes, binary})).get(0)).instances.length;
    t.is(await count('components'), 2);
    t.is(await count('whole'), 1);
  }
  // A single part is one instance. One id in an instance mask may have several parts.
  const one = await folder({'a.bmp': image(), 'a_anno.png': mask(['1100', '1000', '0000'], 255)});
  t.is((await (await MaskFolder.open(one, {classes})).get(0)).instances[0]!.mask!.data.join(''), '1110');
  const parts = await folder({'a.bmp': image(), 'a_anno.png': mask(rows)});
  t.is((await (await MaskFolder.open(parts, {classes})).get(0)).instances.length, 1);
});

test('ids to ignore are background', async (t) => {
  const path = await folder({'a.bmp': image(), 'a_anno.png': mask(['1150', '0000', '0022'])});
  const data = await MaskFolder.open(path, {classes, ignoreIds: [5]});
  t.deepEqual(
    (await data.get(0)).instances.map(({id}) => id),
    [1, 2],
  );
});

test('stats count instances, negatives and what minArea dropped; parts share what was read', async (t) => {
  const path = await folder({
    'a.bmp': image(),
    'a_anno.png': mask(['1110', '0000', '0022']),
    'b.bmp': image(),
    'b_anno.png': mask(['0000', '0000', '0000']),
    'c.bmp': image(),
    'c_anno.png': mask(['1000', '2000', '3330']),
  });
  const data = await MaskFolder.open(path, {classes, minArea: 2});
  const stats = {images: 3, instances: 3, negatives: 1, dropped: 2, mostInstances: 2, colourMasks: 0};
  t.deepEqual(await data.stats(), stats);
  await rm(join(path, 'a.bmp'));
  t.deepEqual(await data.subset([0, 1]).stats(), {...stats, images: 2, instances: 2, dropped: 0});
  t.deepEqual((await data.get(1)).instances, []);
});

test("Cellpose's masks are masks, and its figures no images", async (t) => {
  const path = await folder({
    'a.tif': image(),
    'a_cp_masks.png': mask(),
    'a_cp_output.png': image(),
    'b_cp_output.png': image(),
  });
  const error = await t.throwsAsync<MaskRcnnError>(MaskFolder.open(path, {classes}));
  t.regex(error.message, /b_cp_output\.png has no mask/, 'there is no image b that it could be the figure of');
  const data = await MaskFolder.open(path, {classes, exclude: 'b_*'});
  t.deepEqual(
    data.files.map(({name, mask}) => [name, mask.split('/').at(-1)]),
    [['a', 'a_cp_masks.png']],
  );
});

test('a split has no image twice and follows its seed', async (t) => {
  const files: Record<string, Uint8Array | string> = {'Grade.csv': ''};
  for (let i = 0; i < 10; i++) Object.assign(files, {[`i${i}.bmp`]: image(), [`i${i}_anno.png`]: mask()});
  const data = await MaskFolder.open(await folder(files), {classes});
  const names = (part: MaskFolder) => part.files.map(({name}) => name);
  const {training, validation} = data.split(0.3, {seed: 1});
  t.is(validation.length, 3);
  t.deepEqual([...names(training), ...names(validation)].sort(), names(data));
  t.deepEqual(names(training), names(training).toSorted());
  t.deepEqual(names(data.split(0.3, {seed: 1}).validation), names(validation));
  t.true([2, 3, 4].some((seed) => names(data.split(0.3, {seed}).validation).join() !== names(validation).join()));
  t.is(data.split(0.01).validation.length, 1);
  t.is(data.split(0.99).training.length, 1);
  const odd = (name: string) => (Number(name.slice(1)) % 2 ? 'odd' : 'even');
  const grouped = data.split(0.5, {groupBy: ({name}) => odd(name)});
  t.is(new Set(names(grouped.training).map(odd)).size, 1);
  t.is(new Set(names(grouped.validation).map(odd)).size, 1);
  t.throws(() => data.split(1), {
    message: /'fraction' of MaskFolder\.split must be a number > 0 and < 1, got 1/,
  });
  t.throws(() => data.split(0.5, {groupby: 1} as object), {message: /Did you mean 'groupBy'\?/});
  t.throws(() => data.subset([0]).split(0.5), {code: 'INVALID_DATASET', message: /at least 2 images or groups/});
});

test('subsets by index and by predicate', async (t) => {
  const path = await folder({'a.bmp': image(), 'a_anno.png': mask(), 'b.bmp': image(), 'b_anno.png': mask()});
  const data = await MaskFolder.open(path, {classes});
  t.deepEqual(
    data.subset([1, 0]).files.map(({name}) => name),
    ['b', 'a'],
  );
  t.deepEqual(
    data.subset(({name}) => name === 'b').files.map(({name}) => name),
    ['b'],
  );
  t.throws(() => data.subset([2]), {instanceOf: RangeError, message: /0\.\.1, got 2/});
  await t.throwsAsync(data.get(2), {instanceOf: RangeError, message: 'The index must be in 0..1, got 2.'});
});

test('options that do not fit are refused', async (t) => {
  const path = await folder({'a.bmp': image(), 'a_anno.png': mask()});
  await refused(
    t,
    path,
    {minarea: 1},
    'INVALID_OPTION',
    /MaskFolder\.open has no option 'minarea'\.\nDid you mean 'minArea'\?/,
  );
  await refused(
    t,
    path,
    {classes: ['a', 'b']},
    'INVALID_OPTION',
    /'classes' of MaskFolder\.open must be an array of 1/,
  );
  await refused(t, path, {classes: undefined}, 'INVALID_OPTION', /MaskFolder\.open needs option 'classes'/);
  await refused(t, path, {binary: 'component'}, 'INVALID_OPTION', /Did you mean 'components'\?/);
});

for (const [name, images] of Object.entries({'glas-bmp': 10, glas: 145})) {
  test(`GlaS as in ${name}`, async (t) => {
    const path = fileURLToPath(new URL(`../../../shared/data/${name}`, import.meta.url));
    if (!existsSync(path)) {
      t.log(`skipped: no ${name} data here`);
      t.pass();
      return;
    }
    const data = await MaskFolder.open(path, {classes, include: 'testA_*'});
    const all = await MaskFolder.open(path, {classes});
    t.is(all.length, images);
    t.is(all.files.filter(({grade}) => grade === 'benign' || grade === 'malignant').length, images);
    const sample = await data.get(0);
    t.is(data.files[0]!.name, 'testA_1');
    t.deepEqual([sample.image.width, sample.image.height], [775, 522]);
    t.deepEqual(
      sample.instances.map(({id}) => id),
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
    t.is(toNativeTarget(sample, classes).labels.length, 9);
    t.is(toNativeImage(sample).data.length, 775 * 522 * 3);
  });
}
