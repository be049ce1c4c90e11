import {createHash} from 'node:crypto';
import {existsSync, readFileSync} from 'node:fs';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import sharp from 'sharp';
import {Coco, type CocoOptions, MaskRcnnError, split, subset} from '../../../lib/index.js';
import {readJson} from '../../read-json.js';

const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-coco-'));
test.after.always(() => rm(folder, {recursive: true}));

const [width, height] = [8, 6];
const square = [[1, 1, 5, 1, 5, 4, 1, 4]];

function contents() {
  return {
    images: [
      {id: 7, file_name: 'b.png', width, height},
      {id: 3, file_name: 'a.png', width, height},
    ],
    categories: [
      {id: 18, name: 'dog'},
      {id: 1, name: 'person'},
    ],
    annotations: [
      {id: 0, image_id: 7, category_id: 18, bbox: [1, 1, 4, 3], area: 12.5, iscrowd: 0, segmentation: square},
      // The first column of 8 × 6 pixels, which are in column-major order.
      {
        id: 1,
        image_id: 7,
        category_id: 1,
        bbox: [0, 0, 1, 6],
        area: 6,
        iscrowd: 1,
        segmentation: {size: [6, 8], counts: [0, 6, 42]},
      },
      {
        id: 2,
        image_id: 7,
        category_id: 1,
        bbox: [-1, 0, 2.5, 6],
        area: 6,
        iscrowd: 0,
        segmentation: {size: [6, 8], counts: '06Z1'},
      },
    ] as Record<string, unknown>[],
  };
}

let count = 0;
async function open(change: (given: ReturnType<typeof contents>) => void = () => {}, options: CocoOptions = {}) {
  const given = contents();
  change(given);
  const file = join(folder, `${count++}.json`);
  await writeFile(file, JSON.stringify(given));
  return {file, data: await Coco.open(file, options)};
}

test.before(async () => {
  const image = sharp({create: {width, height, channels: 3, background: '#123456'}});
  for (const name of ['a.png', 'b.png']) await image.clone().png().toFile(join(folder, name));
});

test('images and categories by id; an image without annotations is a negative', async (t) => {
  const {data} = await open();
  t.deepEqual(data.classes, ['person', 'dog']);
  t.deepEqual(data.categoryIds, [1, 18]);
  t.deepEqual([data.imageId(0), data.imageId(1)], [3, 7]);
  t.deepEqual((await data.get(0)).instances, []);
  t.deepEqual(data.stats, {images: 2, annotations: 3, negatives: 1, boxes: 0, skipped: {}});
  t.deepEqual(await data.size(1), {width, height});
});

test('polygons and both run lengths; crowds are true objects, but no instances', async (t) => {
  const {data} = await open();
  const truth = await data.truth(1);
  t.deepEqual(
    truth.map(({label, box, area, crowd}) => ({label, box, area, crowd})),
    [
      {label: 2, box: [1, 1, 4, 3], area: 12.5, crowd: false},
      {label: 1, box: [0, 0, 1, 6], area: 6, crowd: true},
      {label: 1, box: [-1, 0, 2.5, 6], area: 6, crowd: false},
    ],
  );
  t.is(truth[1]!.mask!.counts, truth[2]!.mask!.counts);
  const {file, instances} = await data.get(1);
  t.is(file, join(folder, 'b.png'));
  t.deepEqual(instances, [
    {
      label: 2,
      box: [1, 1, 5, 4],
      mask: {left: 1, top: 1, width: 4, height: 3, data: new Uint8Array(12).fill(1)},
      id: 0,
    },
    {
      label: 1,
      box: [0, 0, 1.5, 6],
      mask: {left: 0, top: 0, width: 1, height: 6, data: new Uint8Array(6).fill(1)},
      id: 2,
    },
  ]);
});

test('chosen classes, in their order', async (t) => {
  const {data} = await open(undefined, {classes: ['dog']});
  t.deepEqual(data.classes, ['dog']);
  t.deepEqual(
    (await data.truth(1)).map(({label}) => label),
    [1],
  );
  const {hint} = (await t.throwsAsync(open(undefined, {classes: ['dogs']}), {instanceOf: MaskRcnnError}))!;
  t.is(hint, "Did you mean 'dog'?");
});

test('parts know their ids and truth', async (t) => {
  const {data} = await open();
  for (const part of [data.subset([1]), data.subset(({fileName}) => fileName === 'b.png'), subset(data, [1])]) {
    t.is(part.imageId!(0), 7);
    t.is((await part.truth!(0)).length, 3);
    t.deepEqual(part.categoryIds, [1, 18]);
  }
  const {training, validation} = split(data, 0.5);
  t.deepEqual([training.imageId!(0), validation.imageId!(0)].sort(), [3, 7]);
});

test('boxes and masks outside of the image are true objects, but no instances, and counted', async (t) => {
  const {data} = await open(({annotations: [first, , third]}) => {
    first!.bbox = [20, 1, 4, 3];
    third!.segmentation = [[20, 1, 24, 1, 24, 4]];
  });
  for (let i = 0; i < 2; i++) t.deepEqual((await data.get(1)).instances, []);
  t.deepEqual(data.stats.skipped, {'outside the image': 2});
  t.regex(data.notices[0]!, /^2 objects without an area in their images were left out: annotation 0 of .*b\.png, /);
  t.is((await data.truth(1)).length, 3);
});

test('a box or area that is missing is that of the mask', async (t) => {
  const {data} = await open(({annotations: [first]}) => {
    delete first!.bbox;
    delete first!.area;
  });
  t.like((await data.truth(1))[0], {box: [1, 1, 4, 3], area: 12});
});

const faults: [what: string, change: (given: ReturnType<typeof contents>) => void, message: RegExp, reason?: string][] =
  [
    [
      'doubled annotation ids',
      ({annotations: a}) => (a[1]!.id = 0),
      /must be unique, got 0 twice/,
      'with the id of another',
    ],
    [
      'an id that is none',
      ({annotations: a}) => (a[1]!.id = 'x'),
      /ids must be whole numbers, got "x"/,
      'without an id',
    ],
    [
      'a dangling image',
      ({annotations: a}) => (a[1]!.image_id = 4),
      /of an image of the file, got image_id 4/,
      'of an unknown image',
    ],
    ['a dangling category', ({annotations: a}) => (a[1]!.category_id = 4), /category_id 4/, 'of an unknown category'],
    [
      'no category',
      ({annotations: a}) => delete a[1]!.category_id,
      /must have an image_id and a category_id/,
      'without an image or category',
    ],
    [
      'a box of three numbers',
      ({annotations: a}) => (a[1]!.bbox = [1, 2, 3]),
      /bbox of four finite/,
      'with an invalid box',
    ],
    ['doubled image ids', ({images}) => (images[0]!.id = 3), /Image ids must be unique, got 3 twice/],
    [
      'an image without a size',
      ({images}) => (images[0]!.width = 0),
      /Image 7 must have a width and height above 0, got 0 × 6/,
    ],
    ['an image without a name', ({images}) => (images[0]!.file_name = ''), /Image 7 must have a file_name/],
    ['doubled category ids', ({categories}) => (categories[0]!.id = 1), /Category ids must be unique, got 1 twice/],
    ['a category without a name', ({categories}) => (categories[0]!.name = ''), /Category 18 must have a name/],
  ];

for (const [what, change, message, reason] of faults) {
  test(`${what}: an error, or skipped and counted`, async (t) => {
    const error = (await t.throwsAsync(open(change), {instanceOf: MaskRcnnError, message}))!;
    t.like(error, {code: 'INVALID_DATASET'});
    t.true((error as MaskRcnnError).file!.endsWith('.json'));
    if (reason === undefined) return;
    const {data} = await open(change, {faulty: 'skip'});
    t.deepEqual(data.stats.skipped, {[reason]: 1});
    t.is(data.stats.annotations, 2);
  });
}

for (const [what, segmentation, message] of [
  [
    'a polygon of two points',
    [[1, 1, 4, 4]],
    /annotation 1 must be made of polygons of three points .* got 4 numbers in polygon 0, in /,
  ],
  ['a polygon of text', [['1', 2, 3, 4, 5, 6]], /each a list of finite numbers/],
  ['run lengths of another size', {size: [8, 6], counts: [48]}, /of the image's size \[6, 8\], got \[8,6\]/],
  ['run lengths that do not add up', {size: [6, 8], counts: [47]}, /add up to 48 pixels, got 47/],
  ['a run below 0', {size: [6, 8], counts: [49, -1]}, /whole numbers that are not below 0/],
  ['compressed run lengths that do not add up', {size: [6, 8], counts: '06'}, /add up to 48 pixels, got 6/],
  ['text', 'a', /a list of polygons or an object of run lengths, got "a"/],
] as const) {
  test(`a segmentation that is ${what}: an error, or skipped and counted once`, async (t) => {
    const change = ({annotations}: ReturnType<typeof contents>) => {
      annotations[1]!.segmentation = segmentation;
    };
    const {data} = await open(change);
    await t.throwsAsync(data.get(1), {code: 'INVALID_MASK', message});
    const {data: lenient} = await open(change, {faulty: 'skip'});
    for (let i = 0; i < 2; i++) t.is((await lenient.truth(1)).length, 2);
    t.deepEqual(lenient.stats.skipped, {'with an invalid segmentation': 1});
  });
}

test('an annotation file that is gone is told, and is no image that cannot be read', async (t) => {
  const {file, data} = await open();
  await rm(file);
  const message = /\.json could not be read again: ENOENT/;
  const error = await t.throwsAsync(data.get(1), {code: 'INVALID_DATASET', message});
  t.is((error as MaskRcnnError).file, file);
});

test('malformed files are named, with the position', async (t) => {
  const file = join(folder, 'broken.json');
  await writeFile(file, '{"images": [{"id": 1,}]}');
  await t.throwsAsync(Coco.open(file), {
    code: 'INVALID_DATASET',
    message: /broken\.json must be a JSON file\. .* at byte \d+\./,
  });
  await writeFile(file, '{"images": []}');
  await t.throwsAsync(Coco.open(file), {
    code: 'INVALID_DATASET',
    message: /broken\.json must have a list 'annotations'/,
  });
  await t.throwsAsync(Coco.open(join(folder, 'none.json')), {
    code: 'INVALID_DATASET',
    message: /none\.json must be .* ENOENT/,
  });
});

test('images that are missing or of another size are named', async (t) => {
  const {data} = await open(({images}) => {
    images[0]!.file_name = 'c.png';
    images[1]!.width = 9;
  });
  await t.throwsAsync(data.get(0), {
    code: 'INVALID_IMAGE',
    message: /a\.png must be of 9 × 6 pixels, as .*, got 8 × 6/,
  });
  await t.throwsAsync(data.get(1), {code: 'INVALID_IMAGE', message: /c\.png/});
});

for (const part of ['train', 'val']) {
  test(`tiny-coco ${part}: every mask is pycocotools'`, async (t) => {
    const root = fileURLToPath(new URL('../../../../shared/data/tiny-coco', import.meta.url));
    if (!existsSync(root)) {
      t.log('skipped: the data set is not there');
      t.pass();
      return;
    }
    const expected = readJson<{
      images: number;
      annotations: number;
      crowds: number;
      categories: string[];
      sha256: string;
    }>(`evaluation/tiny-coco-${part}.json`);
    const file = join(root, 'annotations', `instances_${part}2017.json`);
    const data = await Coco.open(file, {images: join(root, `${part}2017`)});
    t.like(data.stats, {images: expected.images, annotations: expected.annotations});
    t.deepEqual(data.classes, expected.categories);
    const text: string[] = [];
    let crowds = 0;
    const {annotations} = JSON.parse(readFileSync(file, 'utf8')) as {annotations: {id: number; image_id: number}[]};
    for (let index = 0; index < data.length; index++) {
      const truth = await data.truth(index);
      crowds += truth.filter(({crowd}) => crowd).length;
      const ids = annotations.filter(({image_id: image}) => image === data.imageId(index)).map(({id}) => id);
      for (const [i, {mask}] of truth.entries()) text.push(`${ids[i]} ${mask!.counts}\n`);
      const {image} = await data.get(index);
      t.deepEqual({width: image.width, height: image.height}, await data.size(index));
    }
    t.is(crowds, expected.crowds);
    t.is(createHash('sha256').update(text.join('')).digest('hex'), expected.sha256);
  });
}
