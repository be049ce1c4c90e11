import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {inspect} from '../../lib/datasets/inspect.js';
import {describeInspection} from '../../lib/datasets/inspection/describe-inspection.js';
import {readImage} from '../../lib/image/read-image.js';
import {
  Coco,
  type Dataset,
  MaskFolder,
  type MaskRcnnError,
  openDataset,
  type PixelOptions,
  split,
  subset,
  VocSegmentation,
} from '../../lib/index.js';
import {writePng} from '../image/png-writer.js';
import {writeTiff} from '../image/tiff-writer.js';
import {folderOf} from './annotated/folders.js';

const SIDE = 12;

/** Two pages of 12 bits in 16, of which the second is half as large. */
const stack = (seed: number) =>
  writeTiff(
    [SIDE, SIDE / 2].map((side) => ({
      width: side,
      height: side,
      data: Uint16Array.from({length: side * side}, (_, i) => (i * 97 + seed * 31) % 3988),
    })),
  );

const mask = (side: number) => writePng({width: side, height: side, bits: 8, value: (x) => (x < side / 2 ? 1 : 0)});

/** The same two images as every kind of data set that reads image files. */
async function dataSets(t: ExecutionContext, options: PixelOptions): Promise<[file: string, data: Dataset][]> {
  const side = options.page === 1 ? SIDE / 2 : SIDE;
  const ring = [0, 0, side / 2, 0, side / 2, side, 0, side];
  const folder = await folderOf(t, {
    'masks/a.tif': stack(1),
    'masks/a_mask.png': mask(side),
    'coco/a.tif': stack(1),
    // Without a size, which is then read from the page.
    'coco/coco.json': {
      images: [{id: 1, file_name: 'a.tif'}],
      annotations: [{id: 1, image_id: 1, category_id: 1, segmentation: [ring], bbox: [0, 0, side / 2, side]}],
      categories: [{id: 1, name: 'cell'}],
    },
    'labelme/a.tif': stack(1),
    'labelme/a.json': {
      version: '5.0.1',
      shapes: [
        {
          label: 'cell',
          points: [
            [0, 0],
            [side / 2, 0],
            [side / 2, side],
          ],
          shape_type: 'polygon',
        },
      ],
      imagePath: 'a.tif',
      imageWidth: side,
      imageHeight: side,
    },
    'yolo/data.yaml': 'train: images\nval: images\nnames: [cell]\n',
    'yolo/images/a.tif': stack(1),
    'yolo/labels/a.txt': '0 0 0 0.5 0 0.5 1 0 1\n',
    // The content decides, not the name.
    'voc/JPEGImages/a.jpg': stack(1),
    'voc/SegmentationObject/a.png': mask(side),
    'voc/SegmentationClass/a.png': mask(side),
    'voc/ImageSets/Segmentation/trainval.txt': 'a\n',
  });
  const at = (...parts: string[]) => join(folder, ...parts);
  return [
    [at('masks', 'a.tif'), await MaskFolder.open(at('masks'), {classes: ['cell'], ...options})],
    [at('coco', 'a.tif'), await Coco.open(at('coco', 'coco.json'), options)],
    [at('labelme', 'a.tif'), await openDataset(at('labelme'), options)],
    [at('yolo', 'images', 'a.tif'), await openDataset(at('yolo'), {split: 'train', ...options})],
    [at('voc', 'JPEGImages', 'a.jpg'), await VocSegmentation.open(at('voc'), options)],
  ];
}

for (const options of [{}, {range: [0, 4095]}, {range: 'percentile', page: 1, channels: [0]}] as PixelOptions[]) {
  test(`every kind of data set reads images with ${JSON.stringify(options)}`, async (t) => {
    for (const [file, data] of await dataSets(t, options)) {
      const expected = await readImage(file, options);
      const {image, instances} = await data.get(0);
      t.deepEqual({...image, notices: []}, {...expected, notices: []}, file);
      t.is(instances.length, 1);
      t.deepEqual(data.pixels, options);
      t.deepEqual(await data.size!(0), {width: expected.width, height: expected.height});
      // A mask of half the width, or a triangle in it.
      t.true(Math.abs(instances[0]!.box[2] - expected.width / 2) <= 1, file);
      t.deepEqual(subset(data, [0, 0]).pixels, options);
      t.deepEqual(split(subset(data, [0, 0]), 0.5).validation.pixels, options);
    }
  });
}

test('parts of a data set of this package keep the options', async (t) => {
  for (const [, data] of await dataSets(t, {range: [0, 4095]})) {
    const part = (data as MaskFolder).subset([0]);
    t.deepEqual(part.pixels, {range: [0, 4095]});
  }
});

test('wrong options are refused by name', async (t) => {
  const folder = await folderOf(t, {'a.tif': stack(1), 'a_mask.png': mask(SIDE)});
  const error = await t.throwsAsync<MaskRcnnError>(openDataset(folder, {range: [9, 1]}));
  t.like(error, {code: 'INVALID_OPTION'});
  t.regex(error!.message, /'range' .* \[low, high\] with low < high, got \[9, 1\]/);
  const missing = await openDataset(folder, {page: 2});
  t.like(await t.throwsAsync(missing.get(0)), {code: 'INVALID_IMAGE', file: join(folder, 'a.tif')});
  for (const pixels of [{range: 'all'}, {pages: 1}, 'full'] as object[]) {
    const own = {length: 1, classes: ['cell'], get: () => missing.get(0), pixels};
    t.regex((await t.throwsAsync(inspect(own)))!.message, /'pixels' of the data set must be pixel options/);
  }
});

test('inspect tells what files store and proposes a range, which it does not apply', async (t) => {
  const folder = await folderOf(t, {
    'a.tif': stack(1),
    'b.tif': stack(2),
    'c.png': writePng({width: SIDE, height: SIDE, bits: 8, kind: 'rgb', value: (x) => x * 20}),
    ...Object.fromEntries(['a', 'b', 'c'].map((name) => [`${name}_mask.png`, mask(SIDE)])),
  });
  const data = await MaskFolder.open(folder, {classes: ['cell']});
  const found = await inspect(data);
  const one = (value: number) => ({min: value, median: value, max: value});
  t.deepEqual(found.pixels.proposal, {range: [0, 4095]});
  t.deepEqual(found.pixels.options, {});
  t.like(found.pixels.types[0], {type: 'uint16', images: 2, channels: one(1), pages: one(2)});
  t.deepEqual(found.pixels.types[1], {
    type: 'uint8',
    images: 1,
    values: [0, 220],
    channels: one(3),
    pages: one(1),
    stacks: [],
  });
  const text = describeInspection(found);
  t.regex(
    text,
    /\n2 images of uint16: values \d+ to 39\d\d, 1 channel, 2 pages\.\n1 image of uint8: values 0 to 220, 3/,
  );
  t.regex(text, /Warning: 2 images are read by their upper 8 bits only.* Pass range: \[0, 4095\], or range: 'perc/);
  t.regex(text, /Warning: 2 files are read by their first page.*\. To read others, pass options such as page: 1\.\n/);
  t.deepEqual(JSON.parse(JSON.stringify(found)).pixels, found.pixels);

  const stretched = await inspect(await MaskFolder.open(folder, {classes: ['cell'], range: 'percentile', page: 0}));
  t.deepEqual(stretched.pixels.proposal, {});
  t.deepEqual(stretched.warnings, []);
  t.regex(describeInspection(stretched), /\nThey are read with range: 'percentile', page: 0\.\n/);
});

test('images of 8 bits of which only a few are used', async (t) => {
  const dark = (most: number) => ({
    'a.png': writePng({width: SIDE, height: SIDE, bits: 8, value: (x) => Math.min(x, most)}),
    'a_mask.png': mask(SIDE),
  });
  const of = async (most: number) => {
    const folder = await folderOf(t, dark(most));
    return inspect(await MaskFolder.open(folder, {classes: ['cell']}));
  };
  const {warnings, pixels} = await of(9);
  t.deepEqual(pixels.proposal, {range: [0, 15]});
  t.is(warnings.at(-1), 'No image has a value above 9 of 255. Pass range: [0, 15].');
  t.deepEqual((await of(0)).pixels.proposal, {}); // nothing is to be seen in it
});

test('data sets that read nothing from files say nothing of them', async (t) => {
  const image = {data: new Uint8Array(27), width: 3, height: 3};
  const {pixels} = await inspect({length: 1, classes: ['cell'], get: async () => ({file: 'a', image, instances: []})});
  t.deepEqual(pixels, {options: {}, types: [], proposal: {}});
});
