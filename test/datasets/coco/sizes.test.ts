import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {Coco, inspect, MaskRcnnError} from '../../../lib/index.js';

const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-sizes-'));
test.after.always(() => rm(folder, {recursive: true}));
test.before(async () => {
  const image = sharp({create: {width: 60, height: 40, channels: 3, background: '#123456'}});
  await image.clone().png().toFile(join(folder, 'plain.png'));
  for (const orientation of [6, 8]) {
    await image
      .clone()
      .withMetadata({orientation})
      .jpeg()
      .toFile(join(folder, `turned-${orientation}.jpg`));
  }
});

let files = 0;
async function open(...images: {file_name: string; width?: number | null; height?: number | null}[]): Promise<Coco> {
  const file = join(folder, `annotations-${files++}.json`);
  const annotations = images.map((_, i) => ({
    id: i,
    image_id: i,
    category_id: 1,
    segmentation: [[2, 3, 12, 3, 12, 8, 2, 8]],
  }));
  const contents = {
    images: images.map((image, id) => ({id, ...image})),
    categories: [{id: 1, name: 'cell'}],
    annotations,
  };
  await writeFile(file, JSON.stringify(contents));
  return Coco.open(file);
}

test('a size that is missing or null is that of the image file, upright', async (t) => {
  const data = await open(
    {file_name: 'plain.png'},
    {file_name: 'plain.png', width: null, height: null},
    {file_name: 'plain.png', width: 60},
    {file_name: 'turned-6.jpg'},
  );
  t.deepEqual(
    data.images.map(({width, height}) => [width, height]),
    [
      [60, 40],
      [60, 40],
      [60, 40],
      [40, 60],
    ],
  );
  t.deepEqual(await data.size(3), {width: 40, height: 60});
  for (let i = 0; i < 4; i++) t.deepEqual((await data.get(i)).instances[0]!.box, [2, 3, 12, 8]);
});

test('a side that is wrong is an error that names the file', async (t) => {
  const data = await open({file_name: 'plain.png', width: 61});
  await t.throwsAsync(data.get(0), {
    code: 'INVALID_IMAGE',
    message: /plain\.png must be of 61 × 40 pixels, as .*annotations-\d+\.json says, got 60 × 40\.$/,
  });
  for (const width of [0, 1.5, 'x'] as number[]) {
    await t.throwsAsync(open({file_name: 'plain.png', width, height: 40}), {
      code: 'INVALID_DATASET',
      message: new RegExp(`Image 0 must have a width and height above 0, got ${width} × 40, in .*\\.json`),
    });
  }
});

test('an image of unknown size that cannot be read is named, and the others are counted', async (t) => {
  await t.throwsAsync(open({file_name: 'none.png'}), {
    code: 'INVALID_IMAGE',
    message: /none\.png cannot be read: there is no such file\.\n.*\.json gives no width .* so the file is needed\.$/,
  });
  await t.throwsAsync(open({file_name: 'none.png'}, {file_name: 'plain.png'}, {file_name: 'neither.png'}), {
    code: 'INVALID_IMAGE',
    message: /is needed, and 1 more cannot be read either\.$/,
  });
  t.is((await open({file_name: 'none.png', width: 60, height: 40})).length, 1);
});

test('annotations of the stored pixels of a turned photo: it is read as stored, with a notice', async (t) => {
  for (const orientation of [6, 8]) {
    const name = `turned-${orientation}.jpg`;
    const data = await open({file_name: name, width: 60, height: 40});
    const {image, instances} = await data.get(0);
    t.like(image, {width: 60, height: 40});
    t.is(instances.length, 1);
    const stored = await sharp(join(folder, name), {autoOrient: false}).raw().toBuffer();
    t.true(stored.equals(image.data), 'the pixels are not turned');
    const [warning] = (await inspect(data)).warnings.filter((text) => text.includes('EXIF'));
    t.regex(
      warning!,
      /^1 photo is read without its EXIF orientation: .*turned-\d\.jpg is annotated as stored, 60 × 40/,
    );
    const fits = await open({file_name: name, width: 40, height: 60});
    const upright = await fits.get(0);
    t.like(upright.image, {width: 40, height: 60});
    t.is(upright.image.notices, undefined);
  }
});

test('another wrong size is an error', async (t) => {
  for (const image of [
    {file_name: 'plain.png', width: 40, height: 60},
    {file_name: 'turned-6.jpg', width: 50, height: 40},
  ]) {
    const data = await open(image);
    t.is((await t.throwsAsync(data.get(0), {instanceOf: MaskRcnnError, code: 'INVALID_IMAGE'}))!.hint, undefined);
  }
});

test('without the tag, the annotations of the stored pixels fit', async (t) => {
  await sharp(join(folder, 'turned-6.jpg')).jpeg().toFile(join(folder, 'tagless.jpg'));
  const data = await open({file_name: 'tagless.jpg', width: 60, height: 40});
  t.like((await data.get(0)).image, {width: 60, height: 40});
});
