import {existsSync} from 'node:fs';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import sharp from 'sharp';
import {
  Coco,
  type CocoOptions,
  describeInspection,
  evaluateResults,
  inspect,
  MaskRcnnError,
  subset,
} from '../../../lib/index.js';

const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-categories-'));
test.after.always(() => rm(folder, {recursive: true}));
test.before(async () => {
  const image = sharp({create: {width: 8, height: 6, channels: 3, background: '#123456'}});
  await image.png().toFile(join(folder, 'a.png'));
});

type Category = {id: number; name: string; supercategory?: string | null};

/** As Roboflow writes them: in its export of the leaves, all veins are of category 2. */
const leaves: Category[] = [
  {id: 0, name: 'vein', supercategory: 'none'},
  {id: 1, name: 'midrib', supercategory: 'vein'},
  {id: 2, name: 'vein', supercategory: 'vein'},
];

let files = 0;
/** A data set with one annotation of each of `annotated`, which are category ids. */
async function open(categories: Category[], annotated: number[], options: CocoOptions = {}): Promise<Coco> {
  const file = join(folder, `${files++}.json`);
  const annotations = annotated.map((id, i) => ({
    id: i,
    image_id: 1,
    category_id: id,
    segmentation: [[i, 1, i + 2, 1, i + 2, 4, i, 4]],
  }));
  const images = [{id: 1, file_name: 'a.png', width: 8, height: 6}];
  await writeFile(file, JSON.stringify({images, categories, annotations}));
  return Coco.open(file, options);
}

async function labels(data: Coco): Promise<number[]> {
  return (await data.get(0)).instances.map(({label}) => label);
}

const aboutVein =
  "Category 0 'vein' is not a class: it has no annotations and is the supercategory of 'midrib', 'vein'.";

test('a root is not a class, and is told', async (t) => {
  const data = await open(leaves, [2, 1, 2]);
  t.deepEqual(data.classes, ['midrib', 'vein']);
  t.deepEqual(data.categoryIds, [1, 2]);
  t.deepEqual(await labels(data), [2, 1, 2]);
  t.deepEqual(data.notices, [aboutVein]);
  t.deepEqual(data.subset([0]).notices, [aboutVein]);
});

test('a chosen class with the name of a root is the annotated category', async (t) => {
  const data = await open(leaves, [2, 1, 2], {classes: ['vein', 'midrib']});
  t.deepEqual(data.categoryIds, [2, 1]);
  t.deepEqual(await labels(data), [1, 2, 1]);
  t.deepEqual(data.notices, [aboutVein]);
  t.deepEqual((await open(leaves, [2, 1], {classes: ['midrib']})).notices, []);
});

test('a root is left out in a file without annotations too', async (t) => {
  t.deepEqual((await open(leaves, [])).categoryIds, [1, 2]);
});

test('a root is a class if it is chosen by a name that no other category has', async (t) => {
  const cells: Category[] = [
    {id: 0, name: 'cells', supercategory: 'none'},
    {id: 1, name: 'red', supercategory: 'cells'},
  ];
  t.deepEqual((await open(cells, [1])).classes, ['red']);
  const data = await open(cells, [1], {classes: ['cells', 'red']});
  t.deepEqual(data.categoryIds, [0, 1]);
  t.deepEqual(data.notices, []);
});

test('a category is no root if it has annotations, is its own supercategory, or is above none', async (t) => {
  t.deepEqual((await open([leaves[0]!, leaves[1]!], [0])).classes, ['vein', 'midrib']);
  const people: Category[] = [
    {id: 1, name: 'person', supercategory: 'person'},
    {id: 2, name: 'rider', supercategory: 'person'},
    {id: 3, name: 'car', supercategory: null},
    {id: 4, name: 'tree'},
  ];
  const data = await open(people, [2]);
  t.deepEqual(data.classes, ['person', 'rider', 'car', 'tree']);
  t.deepEqual(data.notices, []);
});

const doubled: Category[] = [
  {id: 4, name: 'cell'},
  {id: 5, name: 'dirt'},
  {id: 7, name: 'cell'},
];

test('categories of one name are one class with the annotations of each', async (t) => {
  for (const classes of [undefined, ['cell', 'dirt']]) {
    const data = await open(doubled, [4, 5, 7, 7], {...(classes && {classes})});
    t.deepEqual(data.classes, ['cell', 'dirt']);
    t.deepEqual(data.categoryIds, [4, 5]);
    t.deepEqual(await labels(data), [1, 2, 1, 1]);
    t.deepEqual(data.notices, [
      "Class 'cell' has the annotations of 2 categories of this name: 4 (1 annotation), 7 (2 annotations).",
    ]);
  }
});

test('the id in results files is that of the category with annotations', async (t) => {
  const data = await open(doubled, [5, 7]);
  t.deepEqual(data.classes, ['cell', 'dirt']);
  t.deepEqual(data.categoryIds, [7, 5]);
  t.deepEqual(data.notices, [
    "Class 'cell' has the annotations of 2 categories of this name: 4 (0 annotations), 7 (1 annotation).",
  ]);
});

test('results may have any of the ids of a class; an empty box beside a mask is none', async (t) => {
  const data = await open(doubled, [4, 7]);
  const results = join(folder, 'results.json');
  const found = [
    {image_id: 1, category_id: 4, score: 0.9, bbox: [0, 1, 2, 3]},
    {image_id: 1, category_id: 7, score: 0.8, bbox: []},
  ].map((each, i) => ({...each, segmentation: [[i, 1, i + 2, 1, i + 2, 4, i, 4]]}));
  await writeFile(results, JSON.stringify(found));
  for (const set of [data, data.subset([0]), subset(data, [0])]) {
    const {bbox, segm} = await evaluateResults({data: set, results});
    t.true(bbox.scores.ap! > 0.99 && segm!.scores.ap! > 0.99);
  }
  await writeFile(results, JSON.stringify([{...found[0], category_id: 6}]));
  await t.throwsAsync(evaluateResults({data, results}), {code: 'INVALID_RESULTS', message: /category_id .* got 6/});
});

test('inspect() repeats notices as warnings', async (t) => {
  const inspection = await inspect(await open(leaves, [1, 2]));
  t.deepEqual(inspection.warnings, [aboutVein]);
  t.true(describeInspection(inspection).includes(`Warning: ${aboutVein}`));
});

test('a class that is chosen twice is an error', async (t) => {
  await t.throwsAsync(open(leaves, [1], {classes: ['midrib', 'midrib']}), {
    instanceOf: MaskRcnnError,
    code: 'INVALID_OPTION',
    message: /^Option 'classes' of Coco\.open must name each class once, got 'midrib' twice\./,
  });
});

const exports = fileURLToPath(new URL('../../../../shared/data/annotations', import.meta.url));
for (const [part, veins, midribs] of [
  ['train', 18, 2],
  ['valid', 17, 2],
  ['test', 16, 2],
] as const) {
  test(`Roboflow's export of leaves, ${part}: every vein counts`, async (t) => {
    const file = join(exports, 'roboflow-coco', part, '_annotations.coco.json');
    if (!existsSync(file)) {
      t.log('skipped: the data set is not there');
      t.pass();
      return;
    }
    for (const classes of [undefined, ['midrib', 'vein']]) {
      const data = await Coco.open(file, {...(classes && {classes})});
      t.deepEqual(data.categoryIds, [1, 2]);
      const inspection = await inspect(data);
      t.deepEqual(
        inspection.classes.map(({name, instances}) => ({name, instances})),
        [
          {name: 'midrib', instances: midribs},
          {name: 'vein', instances: veins},
        ],
      );
      t.deepEqual(inspection.faults, []);
      t.true(inspection.warnings.includes(aboutVein));
    }
  });
}

test("Roboflow's export of boxes: the project's name is not a class", async (t) => {
  const file = join(exports, 'roboflow-boxes', 'test', '_annotations.coco.json');
  if (!existsSync(file)) {
    t.log('skipped: the data set is not there');
    t.pass();
    return;
  }
  const data = await Coco.open(file);
  t.deepEqual(data.classes, ['rbc', 'wbc']);
  t.deepEqual(data.notices, [
    "Category 0 'RBC-WBC' is not a class: it has no annotations and is the supercategory of 'rbc', 'wbc'.",
  ]);
  t.is(data.masks, 'none');
  t.is(data.stats.boxes, data.stats.annotations);
  const {instances} = await data.get(0);
  t.true(instances.length > 0 && instances.every(({mask}) => mask === undefined));
});
