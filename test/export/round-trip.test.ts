import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {openDataset} from '../../lib/datasets/open-dataset.js';
import {convertDataset} from '../../lib/export/convert-dataset.js';
import {EXPORT_FORMATS, type ExportFormatName} from '../../lib/export/formats.js';
import {encodeRle, rleIou} from '../../lib/masks/rle-operations.js';
import {
  bitmapOf,
  contentOf,
  type Drawn,
  drawnDataset,
  EMPTY,
  FULL,
  filled,
  HARD,
  masksOf,
  OVERLAP,
  PIXEL,
  type Shape,
  temporary,
} from './drawn.js';

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
    t.is(objects, HARD.objects.length + FULL.objects.length + PIXEL.objects.length + OVERLAP.objects.length);
    const read = await openDataset(out);
    t.deepEqual(await contentOf(read), await contentOf(data));
    const sizes = await Promise.all(Array.from({length: 5}, async (_, i) => (await read.get(i)).image.width));
    t.deepEqual(sizes.toSorted(), [HARD, FULL, PIXEL, EMPTY, OVERLAP].map(({width}) => width).toSorted());
  });
}

test('ImageJ ROIs are read back to the very same masks, without classes', async (t) => {
  const folder = await temporary(t);
  const data = await drawnDataset(folder, [HARD, FULL, PIXEL, EMPTY, OVERLAP]);
  const out = join(folder, 'out');
  const {losses} = await convertDataset(data, out, {format: 'imagej'});
  const objects = HARD.objects.length + 4;
  t.like(losses, [
    {what: 'objects lost their class', number: objects, objects, images: 4, example: 'hard.png, object 1'},
  ]);
  t.deepEqual(masksOf(await contentOf(await openDataset(out))), masksOf(await contentOf(data)));
});

test('COCO is read back to the very same masks from uncompressed run lengths, and from polygons with holes filled', async (t) => {
  const folder = await temporary(t);
  const data = await drawnDataset(folder, [HARD, FULL, PIXEL, OVERLAP]);
  const write = async (segmentation: 'runs' | 'polygons') => {
    const {losses} = await convertDataset(data, join(folder, segmentation), {format: 'coco', segmentation});
    return {losses, read: masksOf(await contentOf(await openDataset(join(folder, segmentation))))};
  };
  t.deepEqual(await write('runs'), {losses: [], read: masksOf(await contentOf(data))});
  const {losses, read} = await write('polygons');
  t.like(losses, [{what: 'holes were filled', number: 4, objects: 3, images: 1, example: 'hard.png, object 2'}]);
  const {width, height, objects} = HARD;
  const whole = objects.map(([, shape]) => encodeRle(filled(HARD, bitmapOf(HARD, shape)), width, height));
  t.deepEqual(
    read['hard.png'],
    (await Promise.all(whole)).map(({counts}) => counts),
  );
});

test('CVAT: polygons for objects of one part without holes, masks for the others; or masks alone', async (t) => {
  const folder = await temporary(t);
  const data = await drawnDataset(folder, [HARD, FULL, PIXEL, EMPTY, OVERLAP]);
  const write = async (name: string, segmentation?: 'masks' | 'polygons') => {
    const out = join(folder, name);
    await convertDataset(data, out, {format: 'cvat', ...(segmentation && {segmentation})});
    const xml = await readFile(join(out, 'annotations.xml'), 'utf8');
    const count = (tag: string) => xml.split(`<${tag} `).length - 1;
    return {content: await contentOf(await openDataset(out)), polygons: count('polygon'), masks: count('mask'), xml};
  };
  const all = HARD.objects.length + 4;
  const mixed = await write('mixed');
  // A ring, two holes, two parts, an island in a hole, two pixels that touch at a corner, and a chessboard.
  t.deepEqual([mixed.polygons, mixed.masks], [all - 6, 6]);
  const masks = await write('masks', 'masks');
  t.deepEqual([masks.polygons, masks.masks], [0, all]);
  t.deepEqual(masks.content, await contentOf(data));
  const polygons = await write('polygons', 'polygons');
  t.is(polygons.masks, 0);
  t.deepEqual(new Set(polygons.xml.match(/group_id="\d+"/g)), new Set([4, 8, 13].map((id) => `group_id="${id}"`)));
});

for (const format of ['yolo', 'via', 'cvat'] as const) {
  test(`${format} is read back to the same masks with their holes filled, and says how many`, async (t) => {
    const folder = await temporary(t);
    const images = [HARD, FULL, PIXEL, EMPTY, OVERLAP];
    const data = await drawnDataset(folder, images);
    const out = join(folder, 'out');
    const {losses} = await convertDataset(data, out, {
      format,
      ...(format === 'cvat' && {segmentation: 'polygons' as const}),
    });
    const expected = Object.fromEntries(
      await Promise.all(
        images.map(async (image) => {
          const {name, width, height, objects} = image;
          const whole = objects.map(([, shape]) => encodeRle(filled(image, bitmapOf(image, shape)), width, height));
          return [name, (await Promise.all(whole)).map(({counts}) => counts)];
        }),
      ),
    );
    const content = await contentOf(await openDataset(out));
    t.deepEqual(masksOf(content), expected);
    t.deepEqual(
      content['hard.png']!.map((object) => object.class),
      (await contentOf(data))['hard.png']!.map((object) => object.class),
    );
    // Of the ring, two of the next, and that with the island; the island, two pairs, and 50 pixels of a chessboard.
    t.like(losses, [
      {what: 'holes were filled', number: 4, objects: 3, images: 1, example: 'hard.png, object 2'},
      ...(format === 'cvat'
        ? [] // parts are a group
        : [
            {
              what: 'gaps between parts were bridged by a line without width',
              number: 1 + 1 + 49,
              objects: 3,
              example: 'hard.png, object 4',
            },
          ]),
    ]);
  });
}

for (const format of ['masks', 'masks-tiff'] as const) {
  test(`${format} are read back to the very same masks where nothing overlaps`, async (t) => {
    const folder = await temporary(t);
    const data = await drawnDataset(folder, [HARD, FULL, PIXEL, EMPTY]);
    const out = join(folder, 'out');
    const {losses} = await convertDataset(data, out, {format});
    t.deepEqual(
      losses.map(({what}) => what),
      ['objects lost their class'],
    );
    t.deepEqual(masksOf(await contentOf(await openDataset(out))), masksOf(await contentOf(data)));
  });

  test(`${format} give a pixel to the smaller object, and count what the others lose`, async (t) => {
    const folder = await temporary(t);
    const {box} = shapesOf;
    // The second lies on the first, the third below two others together.
    const covered: Drawn = {
      name: 'covered.png',
      width: 20,
      height: 10,
      objects: [
        [1, box(0, 0, 10, 10)],
        [1, box(2, 2, 5, 5)],
        [1, box(12, 0, 16, 4)],
        [1, box(12, 0, 14, 4)],
        [1, box(14, 0, 16, 4)],
      ],
    };
    const data = await drawnDataset(folder, [covered], ['gland']);
    const out = join(folder, 'out');
    const {losses} = await convertDataset(data, out, {format});
    t.like(losses, [
      {what: 'pixels of overlaps were given to another object', number: 9, objects: 1},
      {what: 'objects that others cover were left out', number: 1, objects: 1, example: 'covered.png, object 3'},
    ]);
    const visible: Shape[] = [
      (x, y) => box(0, 0, 10, 10)(x, y) && !box(2, 2, 5, 5)(x, y),
      box(2, 2, 5, 5),
      box(12, 0, 14, 4),
      box(14, 0, 16, 4),
    ];
    const expected = await Promise.all(visible.map((shape) => encodeRle(bitmapOf(covered, shape), 20, 10)));
    const read = await contentOf(await openDataset(out));
    t.deepEqual(
      masksOf(read)['covered.png'],
      expected.map(({counts}) => counts),
    );
  });
}

const shapesOf = {
  box:
    (x0: number, y0: number, x1: number, y1: number): Shape =>
    (x, y) =>
      x >= x0 && x < x1 && y >= y0 && y < y1,
};

for (const {key} of EXPORT_FORMATS) {
  const format = key as ExportFormatName;
  test(`${format} keeps splits`, async (t) => {
    const folder = await temporary(t);
    const train = await drawnDataset(folder, [FULL, {...FULL, name: 'other.png'}]);
    const valid = await drawnDataset(folder, [{...PIXEL, name: 'third.png'}]);
    const out = join(folder, 'out');
    await convertDataset({train, valid}, out, {format});
    for (const [split, data] of Object.entries({train, valid})) {
      const name = format === 'yolo' && split === 'valid' ? 'val' : split;
      const read = await openDataset(out, {split: name});
      t.deepEqual(masksOf(await contentOf(read)), masksOf(await contentOf(data)));
    }
    await t.throwsAsync(openDataset(out, {split: 'test'}), {code: 'INVALID_OPTION'});
  });
}

/** Masks of noise: all the ways in which pixels can touch. */
const noise = fc
  .record({width: fc.integer({min: 1, max: 12}), height: fc.integer({min: 1, max: 9}), seed: fc.integer()})
  .chain(({width, height}) =>
    fc
      .array(fc.uint8Array({minLength: width * height, maxLength: width * height, max: 1}), {
        minLength: 1,
        maxLength: 3,
      })
      .map((bitmaps) => ({
        width,
        height,
        bitmaps: bitmaps.map((bitmap) => (bitmap.includes(1) ? bitmap : bitmap.fill(1))),
      })),
  );

for (const format of [...EXACT, 'imagej'] as const) {
  test(`${format} is read back to any mask`, async (t) => {
    const folder = await temporary(t);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(noise, async ({width, height, bitmaps}) => {
        const objects = bitmaps.map((bitmap) => [1, (x: number, y: number) => bitmap[y * width + x] === 1] as const);
        const data = await drawnDataset(folder, [{name: 'noise.png', width, height, objects}], ['gland']);
        const out = join(folder, `out-${run++}`);
        await convertDataset(data, out, {format});
        const read = await openDataset(out);
        t.deepEqual(masksOf(await contentOf(read)), masksOf(await contentOf(data)));
      }),
      {numRuns: 25},
    );
  });
}

test('YOLO is read back to noise with its holes filled', async (t) => {
  const folder = await temporary(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(noise, async ({width, height, bitmaps}) => {
      const objects = bitmaps.map((bitmap) => [1, (x: number, y: number) => bitmap[y * width + x] === 1] as const);
      const image = {name: 'noise.png', width, height, objects};
      const data = await drawnDataset(folder, [image], ['gland']);
      const out = join(folder, `out-${run++}`);
      await convertDataset(data, out, {format: 'yolo'});
      const read = masksOf(await contentOf(await openDataset(out)))['noise.png'];
      const whole = await Promise.all(bitmaps.map((bitmap) => encodeRle(filled(image, bitmap), width, height)));
      t.deepEqual(
        read,
        whole.map(({counts}) => counts),
      );
      t.true((await rleIou(whole, whole))[0]![0] === 1);
    }),
    {numRuns: 40},
  );
});
