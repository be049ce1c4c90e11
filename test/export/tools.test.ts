import {execFile} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {decode as decodeBrush} from '@thi.ng/rle-pack';
import test from 'ava';
import {openDataset} from '../../lib/datasets/open-dataset.js';
import {convertDataset} from '../../lib/export/convert-dataset.js';
import type {ExportFormatName} from '../../lib/export/formats.js';
import {python, pythonHas} from '../python.js';
import {bitmapOf, drawnDataset, EMPTY, FULL, HARD, OVERLAP, PIXEL, temporary, trueObjects} from './drawn.js';

const script = fileURLToPath(new URL('read-with-tools.py', import.meta.url));
const modules = ['pycocotools', 'shapely', 'tifffile', 'cv2', 'PIL', 'yaml'];
const has = pythonHas(modules, "what tools' own libraries read");
const withTools = has ? test : test.skip;

const classes = ['gland', 'lumen & <co> "x": ü\n#1'];

/** What the library of a tool reads: class and area of each object, by the names of images. */
async function readWithTool(format: ExportFormatName, folder: string): Promise<Record<string, [string, number][]>> {
  const {stdout} = await promisify(execFile)(python, [script, format, folder]);
  return JSON.parse(stdout);
}

for (const format of ['coco', 'geojson', 'cvat', 'supervisely', 'labelme'] as const) {
  withTools(`what is written as ${format} has the same classes and areas for the tool's library`, async (t) => {
    const folder = await temporary(t);
    const images = [HARD, FULL, PIXEL, EMPTY, OVERLAP];
    const out = join(folder, 'out');
    await convertDataset(await drawnDataset(folder, images, classes), out, {format});
    const expected = await Promise.all(
      images.map(async (image) => {
        const objects = await trueObjects(image);
        return [image.name, objects.map(({label, area}) => [classes[label - 1], area])];
      }),
    );
    t.deepEqual(await readWithTool(format, out), Object.fromEntries(expected));
  });
}

for (const format of ['masks', 'masks-tiff'] as const) {
  withTools(`${format} have the numbers and areas of the objects for Pillow and tifffile`, async (t) => {
    const folder = await temporary(t);
    const images = [HARD, FULL, PIXEL, EMPTY];
    const out = join(folder, 'out');
    await convertDataset(await drawnDataset(folder, images, classes), out, {format});
    const expected = await Promise.all(
      images.map(async (image) => [image.name, (await trueObjects(image)).map(({area}) => ['', area])]),
    );
    t.deepEqual(await readWithTool(format, out), Object.fromEntries(expected));
  });
}

withTools('data.yaml and rows of YOLO are those of Ultralytics', async (t) => {
  const folder = await temporary(t);
  const out = join(folder, 'out');
  // Words and numbers of YAML 1.1, which Python reads, among the names.
  const names = ['no', 'lumen & <co> "x": ü\n#1', '012', '1e3', 'null', '~', ' a: b '];
  const objects = names.map((_, i) => [i + 1, (x: number) => x === i] as const);
  const named = {name: 'named.png', width: 20, height: 10, objects};
  await convertDataset(await drawnDataset(folder, [HARD, EMPTY, named], names), out, {format: 'yolo'});
  const read = await readWithTool('yolo', out);
  t.deepEqual(
    read['hard.png']!.map(([name]) => name),
    HARD.objects.map(([label]) => names[label - 1]),
  );
  t.deepEqual(
    read['named.png'],
    names.map((name) => [name, 4]),
  );
  t.deepEqual((await openDataset(out)).classes, names);
  t.deepEqual(read['empty.png'], []);
});

test("brush strokes are those of Label Studio's library", async (t) => {
  const folder = await temporary(t);
  const out = join(folder, 'out');
  await convertDataset(await drawnDataset(folder, [HARD]), out, {format: 'label-studio'});
  const [task] = JSON.parse(await readFile(join(out, 'tasks.json'), 'utf8'));
  const brushes = task.annotations[0].result.filter(({type}: {type: string}) => type === 'brushlabels');
  // The ring, two holes, two parts, the island, the pair and the chessboard.
  t.is(brushes.length, 6);
  for (const {id, value} of brushes) {
    const rgba = decodeBrush(Uint8Array.from(value.rle));
    const alpha = Uint8Array.from({length: HARD.width * HARD.height}, (_, i) => Number(rgba[4 * i + 3]! > 0));
    const [, shape] = HARD.objects[Number(id.replace('object-', '')) - 1]!;
    t.deepEqual(alpha, bitmapOf(HARD, shape), id);
  }
});
