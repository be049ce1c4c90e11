import {open, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {type Dataset, openDataset, tiles} from '../../lib/index.js';
import {temporaryFolder} from '../examples/run-example.js';
import {onLinux, requireFree} from '../free-loop.js';
import {writePyramid} from '../image/regions/pyramid-writer.js';

const OBJECTS = 100_000;
const SIDE = 4096;
const POINTS = 16;

let folder: string;
test.before(async () => {
  folder = await temporaryFolder();
  const data = new Uint8Array(SIDE * SIDE * 3);
  await writeFile(join(folder, 'slide.tif'), writePyramid([{image: {data, width: SIDE, height: SIDE}, tile: 1024}]));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

/** A circle of a few pixels, each at its place. */
function ringOf(index: number): [number, number][] {
  const perRow = Math.ceil(Math.sqrt(OBJECTS));
  const step = SIDE / perRow;
  const [x, y] = [((index % perRow) + 0.5) * step, (Math.floor(index / perRow) + 0.5) * step];
  return Array.from({length: POINTS}, (_, i) => {
    const angle = (i / POINTS) * 2 * Math.PI;
    return [x + 5 * Math.cos(angle), y + 5 * Math.sin(angle)];
  });
}

async function writeLines(path: string, head: string, line: (index: number) => object): Promise<void> {
  const file = await open(path, 'w');
  await file.write(head);
  for (let from = 0; from < OBJECTS; from += 1000) {
    const lines = Array.from({length: 1000}, (_, i) => JSON.stringify(line(from + i)));
    await file.write(`${from === 0 ? '' : ',\n'}${lines.join(',\n')}`);
  }
  await file.write(']}');
  await file.close();
}

const formats: Record<string, () => Promise<Dataset>> = {
  async geojson() {
    const properties = {objectType: 'annotation', classification: {name: 'cell'}};
    await writeLines(join(folder, 'slide.geojson'), '{"type":"FeatureCollection","features":[', (i) => {
      const ring = ringOf(i);
      return {type: 'Feature', geometry: {type: 'Polygon', coordinates: [[...ring, ring[0]]]}, properties};
    });
    return openDataset(folder);
  },
  async coco() {
    const images = JSON.stringify([{id: 1, file_name: 'slide.tif', width: SIDE, height: SIDE}]);
    const head = `{"images":${images},"categories":[{"id":1,"name":"cell"}],"annotations":[`;
    await writeLines(join(folder, 'coco.json'), head, (i) => {
      const of = {id: i + 1, image_id: 1, category_id: 1, iscrowd: 0};
      return {...of, area: 78, bbox: [0, 0, 10, 10], segmentation: [ringOf(i).flat()]};
    });
    return openDataset(join(folder, 'coco.json'), {images: folder});
  },
};

for (const [name, write] of Object.entries(formats)) {
  onLinux(`tiles of a slide with 100,000 objects leave the event loop free: ${name}`, async (t) => {
    t.timeout(300_000);
    const data = await write();
    await requireFree(t, name, async () => {
      const cut = await tiles(data, {size: 512});
      await cut.get(0);
      t.is(cut.stats.objects, OBJECTS);
    });
  });
}
