import {execFile} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import sharp from 'sharp';
import {nodeArguments} from '../program.js';

/** Side of the image, which has 1200 MB of pixels. */
const SIDE = 20_000;
/**
 * Peak memory in MB that training may take: Node.js with sharp and libtorch, a tiny network, tiles, 64 MB of blocks.
 */
const MEMORY = 1000;

test('a TIFF of 20,000 × 20,000 pixels is trained on in little memory', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-tiles-'));
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  const create = {width: SIDE, height: SIDE, channels: 3, background: {r: 90, g: 90, b: 90}} as const;
  await sharp({create, limitInputPixels: false})
    .tiff({tile: true, tileWidth: 512, tileHeight: 512, compression: 'lzw'})
    .toFile(join(folder, 'slide.tif'));
  // Squares along the diagonal, and one in the last corner.
  const square = (at: number, side: number) => [
    [at, at],
    [at + side, at],
    [at + side, at + side],
    [at, at + side],
  ];
  const rings = [...Array.from({length: 12}, (_, i) => square(100 + i * 1500, 60)), square(19_500, 400)];
  const features = rings.map((ring) => ({
    type: 'Feature',
    geometry: {type: 'Polygon', coordinates: [[...ring, ring[0]]]},
    properties: {objectType: 'annotation', classification: {name: 'blob'}},
  }));
  await writeFile(join(folder, 'slide.geojson'), JSON.stringify({type: 'FeatureCollection', features}));
  const program = [...nodeArguments('test/tiles/train-on-tiles.ts'), folder];
  const {stdout} = await promisify(execFile)(process.execPath, program);
  const {megabytes, tiles, steps, loss} = JSON.parse(stdout);
  t.log(`${Math.round(megabytes)} MB, ${tiles} tiles`);
  t.is(steps, 2);
  t.true(tiles >= rings.length);
  t.true(Number.isFinite(loss) && loss > 0);
  t.true(megabytes < MEMORY, `${megabytes} MB`);
});
