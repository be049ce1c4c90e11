import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import type {RgbImage} from '../../../lib/image/rgb-image.js';
import {type PyramidPage, writePyramid} from './pyramid-writer.js';
import {pattern, sameAs, using} from './regions.js';

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-levels-test-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

async function written(name: string, pages: readonly PyramidPage[]): Promise<string> {
  await writeFile(join(folder, name), writePyramid(pages));
  return join(folder, name);
}

const whole = pattern(200, 120);
const half = pattern(100, 60);
const quarter = pattern(50, 30);

const sizes = (levels: readonly {width: number; height: number}[]) => levels.map(({width}) => width);

test('tiles and strips of one page, chunky and planar', async (t) => {
  const pages: Record<string, PyramidPage> = {
    tiles: {image: whole, tile: 32},
    'planar tiles': {image: whole, tile: 32, isPlanar: true},
    strips: {image: whole},
    'planar strips': {image: whole, isPlanar: true},
  };
  for (const [name, page] of Object.entries(pages)) {
    await using(await written(`${name}.tif`, [page]), {}, (source) => sameAs(t, source, whole, name));
  }
});

test('levels in SubIFDs', async (t) => {
  const subPages = [half, quarter].map((image) => ({image, tile: 32, kind: 1}));
  const path = await written('sub.tif', [{image: whole, tile: 32, subPages}]);
  for (const [level, image] of [whole, half, quarter].entries()) {
    await using(path, {level}, async (source) => {
      t.deepEqual(source.levels, [
        {width: 200, height: 120, downsample: 1},
        {width: 100, height: 60, downsample: 2},
        {width: 50, height: 30, downsample: 4},
      ]);
      await sameAs(t, source, image, `level ${level}`);
    });
  }
});

test('a slide of Aperio: the thumbnail, the label and the macro image are no levels', async (t) => {
  const path = await written('slide.svs', [
    {image: whole, tile: 32, description: 'Aperio Image Library v1\r\n200x120 |AppMag = 20|MPP = 0.4990|Left = 25.3'},
    {image: half}, // the thumbnail: of the same shape, in strips
    {image: quarter, tile: 32},
    {image: pattern(40, 50), kind: 1},
    {image: pattern(90, 30), kind: 9},
  ]);
  await using(path, {level: 1}, async (source) => {
    t.deepEqual(sizes(source.levels), [200, 50]);
    t.is(source.micronsPerPixel, 0.499 * 4);
    await sameAs(t, source, quarter, 'level 1');
  });
});

test('strips are levels if they say so; masks, other shapes and pages of the same size are none', async (t) => {
  const path = await written('mixed.tif', [
    {image: whole},
    {image: whole},
    {image: half, kind: 4 + 1},
    {image: pattern(100, 80), kind: 1},
    {image: quarter, kind: 1},
    {image: half, kind: 1},
  ]);
  t.deepEqual(await using(path, {}, ({levels}) => sizes(levels)), [200, 100, 50]);
  await using(path, {level: 2}, (source) => sameAs(t, source, quarter, 'level 2'));
});

test('tiles and strips that a file leaves out are black', async (t) => {
  for (const [name, tile, leftOut, box] of [
    ['tiles', 64, [0, 3], [0, 0, 64, 64]],
    ['strips', undefined, [2], [0, 32, 200, 48]],
  ] as const) {
    const image: RgbImage = {...whole, data: whole.data.slice()};
    const blank = ([left, top, right, bottom]: readonly number[]) => {
      for (let y = top!; y < bottom!; y++) image.data.fill(0, (y * 200 + left!) * 3, (y * 200 + right!) * 3);
    };
    blank(box);
    if (tile === 64) blank([192, 0, 200, 64]);
    const path = await written(`${name}-left-out.tif`, [{image: whole, ...(tile && {tile}), leftOut}]);
    await using(path, {}, (source) => sameAs(t, source, image, name));
  }
});

test('the size of a pixel comes from the description, or from a plausible resolution', async (t) => {
  const ome = (attributes: string) =>
    `<?xml version="1.0"?><!-- a comment --><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image>\
<Pixels ID="Pixels:0" ${attributes}/><Pixels PhysicalSizeX="9"/></Image></OME>`;
  const cases: [page: Partial<PyramidPage>, microns: number | undefined][] = [
    [{}, undefined],
    [{description: 'Aperio|MPP = 0.25|AppMag = 40'}, 0.25],
    [{description: 'Aperio|MPP = unknown'}, undefined],
    [{description: 'Aperio|MPP = 0'}, undefined],
    [{description: ome('PhysicalSizeX="0.5"')}, 0.5],
    [{description: ome('PhysicalSizeX="0.5" PhysicalSizeXUnit="µm"')}, 0.5],
    [{description: ome('PhysicalSizeX="500" PhysicalSizeXUnit="nm"')}, 0.5],
    [{description: ome('PhysicalSizeX="0.0005" PhysicalSizeXUnit="mm"')}, 0.5],
    [{description: ome('PhysicalSizeX="3" PhysicalSizeXUnit="pixel"')}, undefined],
    [{description: ome('SizeX="200"')}, undefined],
    [{description: ome('PhysicalSizeX="0.5" PhysicalSizeY="0.505"')}, 0.5],
    [{description: ome('PhysicalSizeX="0.5" PhysicalSizeY="500" PhysicalSizeYUnit="nm"')}, 0.5],
    [{description: ome('PhysicalSizeX="0.5" PhysicalSizeY="1"'), resolution: [20_000, 3]}, undefined],
    [{description: '<OME><Pixels'}, undefined],
    [{description: 'ImageJ=1.53t\nunit=micron\n', resolution: [4, 1]}, 0.25],
    [{description: 'ImageJ=1.53t\nunit=\\u00B5m\n', resolution: [4, 1]}, 0.25],
    [{description: 'ImageJ=1.53t\nunit=pixel\n', resolution: [1, 1]}, undefined],
    [{resolution: [20_000, 3]}, 0.5],
    [{resolution: [50_800, 2]}, 0.5],
    [{resolution: [72, 2]}, undefined],
    [{resolution: [1200, 2]}, undefined],
    [{resolution: [20_000, 1]}, undefined],
    [{resolution: [0, 3]}, undefined],
  ];
  for (const [i, [page, microns]] of cases.entries()) {
    const path = await written('microns.tif', [{image: quarter, ...page}]);
    const found = await using(path, {}, ({micronsPerPixel}) => micronsPerPixel);
    if (microns === undefined) t.is(found, undefined, `${i}`);
    else t.true(Math.abs(found! - microns) < 1e-12, `${i}: ${found}`);
  }
});
