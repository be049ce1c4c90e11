import {link, mkdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {
  detectionsOfTiles,
  MaskFolder,
  openDataset,
  type TiledObject,
  tiles,
  writeDetections,
  writeTilesLabels,
} from '../../lib/index.js';
import {temporaryFolder} from '../examples/run-example.js';
import {writeEmptySlide} from '../image/regions/empty-slide.js';

/** 900 million pixels, of which no bitmap can be made. Label Studio counts four values for each in 32 bits. */
const SIDE = 30_000;

let folder: string;
test.before(async () => {
  folder = await temporaryFolder();
  await mkdir(join(folder, 'slides'));
  await writeEmptySlide(join(folder, 'slides', 'slide.tif'), SIDE, SIDE);
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const [left, top] = [27_001, 28_002];
/** A rectangle of 40 × 30 pixels. */
const rectangle: TiledObject = {
  ...{label: 1, className: 'cell', score: 0.9, cut: false},
  box: [left, top, left + 40, top + 30],
  mask: {left, top, rle: {size: [30, 40], counts: '0`U1'}},
};

for (const format of ['yolo', 'cvat', 'label-studio', 'supervisely', 'labelme', 'via', 'imagej', 'geojson', 'coco']) {
  test(`${format} of an image that is too large to be decoded: written, and read in tiles`, async (t) => {
    const before = process.resourceUsage().maxRSS;
    const file = join(folder, 'slides', 'slide.tif');
    const found = await detectionsOfTiles([rectangle], {width: SIDE, height: SIDE, file});
    const output = join(folder, format);
    await writeDetections([found], output, {format: format as 'yolo', classes: ['cell']});
    const data = await openDataset(output, {images: join(folder, 'slides')});
    const cut = await tiles(data, {size: 1024, overlap: 0, emptyShare: 0});
    t.is(cut.stats.objects, 1);
    t.is(cut.length, 1);
    const [object] = await cut.truth(0);
    t.is(object!.area, 1200);
    const place = cut.place(0);
    t.deepEqual(object!.box, [left - place.left, top - place.top, 40, 30]);
    t.is((await cut.get(0)).instances.length, 1);
    t.true((process.resourceUsage().maxRSS - before) / 1000 < 400, 'no bitmap of 900 MB was made');
  });
}

test('a label mask of an image that is too large to be decoded is read in parts', async (t) => {
  t.timeout(300_000);
  const before = process.resourceUsage().maxRSS;
  const path = join(folder, 'labels');
  await mkdir(join(path, 'images'), {recursive: true});
  await mkdir(join(path, 'masks'));
  await link(join(folder, 'slides', 'slide.tif'), join(path, 'images', 'slide.tif'));
  // The first one is across the borders of the mask's tiles.
  const across = {...rectangle, box: [250, 250, 290, 280], mask: {...rectangle.mask, left: 250, top: 250}} as const;
  const objects: TiledObject[] = [{...across, box: [...across.box]}, rectangle];
  await writeTilesLabels(join(path, 'masks', 'slide.tif'), objects, {width: SIDE, height: SIDE});
  const data = await MaskFolder.open(path, {classes: ['cell']});
  const cut = await tiles(data, {size: 1024, overlap: 0, emptyShare: 0});
  t.is(cut.stats.objects, 2);
  t.is(cut.length, 2);
  t.deepEqual(
    (await cut.truth(0)).map(({box, area}) => ({box, area})),
    [{box: [250, 250, 40, 30], area: 1200}],
  );
  const place = cut.place(1);
  const [object] = (await cut.get(1)).instances;
  t.deepEqual(object!.box, [left - place.left, top - place.top, left - place.left + 40, top - place.top + 30]);
  t.true(object!.mask!.data.every((value) => value === 1));
  t.deepEqual(await data.labels(0), [1, 1]);
  const counts = {images: 1, instances: 2, negatives: 0, dropped: 0, mostInstances: 2, colourMasks: 0};
  t.deepEqual(await (await MaskFolder.open(path, {classes: ['cell']})).stats(), counts);
  t.true((process.resourceUsage().maxRSS - before) / 1000 < 400, 'no mask of 900 million numbers was made');
});
