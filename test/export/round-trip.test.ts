import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import type {Dataset} from '../../lib/datasets/dataset.js';
import {openDataset} from '../../lib/datasets/open-dataset.js';
import {convertDataset} from '../../lib/export/convert-dataset.js';
import type {ExportFormatName} from '../../lib/export/formats.js';
import {contentOf, drawnDataset, EMPTY, FULL, HARD, OVERLAP, PIXEL, temporary} from './drawn.js';

/** Formats that hold every object as it is. */
const EXACT = ['coco', 'labelme', 'cvat', 'label-studio', 'supervisely', 'geojson'] as const;

for (const format of EXACT) {
  test(`${format} is read back to the very same masks and classes`, async (t) => {
    const folder = await temporary(t);
    const data = await drawnDataset(folder, [HARD, FULL, PIXEL, EMPTY, OVERLAP]);
    const out = join(folder, 'out');
    const {losses, images, objects} = await convertDataset(data, out, {format});
    t.deepEqual(losses, []);
    t.is(images, 5);
    t.is(objects, HARD.objects.length + 1 + 1 + 0 + 2);
    const read = await openDataset(out);
    t.deepEqual(await contentOf(read), await contentOf(data));
    // With the pixels, which were copied.
    t.deepEqual((await read.get(0)).image.width > 0, true);
  });
}

test('ImageJ ROIs are read back to the very same masks, without classes', async (t) => {
  const folder = await temporary(t);
  const data = await drawnDataset(folder, [HARD, FULL, PIXEL, OVERLAP]);
  const out = join(folder, 'out');
  const {losses} = await convertDataset(data, out, {format: 'imagej'});
  t.deepEqual(
    losses.map(({what, number, images}) => [what, number, images]),
    [['classes left out', HARD.objects.length + 4, 4]],
  );
  t.deepEqual(masksOf(await contentOf(await openDataset(out))), masksOf(await contentOf(data)));
});

function masksOf(content: Awaited<ReturnType<typeof contentOf>>) {
  return Object.fromEntries(Object.entries(content).map(([name, objects]) => [name, objects.map(({counts}) => counts)]));
}

for (const format of ['yolo', 'via'] as const) {
  test(`${format} is read back to the same masks, with holes filled`, async (t) => {
    const folder = await temporary(t);
    const data = await drawnDataset(folder, [HARD, FULL, PIXEL, OVERLAP]);
    const out = join(folder, 'out');
    const {losses} = await convertDataset(data, out, {format});
    t.log(losses);
    const read = masksOf(await contentOf(await openDataset(out)));
    const given = masksOf(await contentOf(data));
    for (const name of Object.keys(given)) for (const [i, counts] of given[name]!.entries()) t.log(name, i, counts === read[name]![i]);
    t.pass();
  });
}
for (const format of ['masks', 'masks-tiff'] as const) {
  test(`${format}`, async (t) => {
    const folder = await temporary(t);
    const data = await drawnDataset(folder, [HARD, FULL, PIXEL, EMPTY]);
    const out = join(folder, 'out');
    const {losses} = await convertDataset(data, out, {format});
    t.log(losses);
    const read = await openDataset(out);
    t.log(read.length, (await read.get(2)).instances.length);
    t.pass();
  });
}
