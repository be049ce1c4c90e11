/**
 * Measures time and memory of opening an annotation file as large as COCO's train2017 (118 287 images, 860 001
 * annotations). The script generates that file:
 *
 *   npm run bench:coco-open -- [--peer PYTHON]
 *
 * PYTHON is an interpreter with pycocotools.
 */
import {execFile} from 'node:child_process';
import {createWriteStream} from 'node:fs';
import {mkdtemp, rm, stat} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pipeline} from 'node:stream/promises';
import {fileURLToPath} from 'node:url';
import {parseArgs, promisify} from 'node:util';
import {Random} from '../lib/basics/random.js';

const [images, annotations, categories] = [118_287, 860_001, 80] as const;
const {values} = parseArgs({options: {peer: {type: 'string'}}});
const random = new Random(1);

function* text() {
  const list = (count: number, row: (index: number) => object) =>
    Array.from({length: count}, (_, index) => JSON.stringify(row(index + 1))).join(', ');
  yield `{"info": {}, "images": [${list(images, (id) => ({
    license: 3,
    file_name: `${String(id).padStart(12, '0')}.jpg`,
    coco_url: `http://images.cocodataset.org/train2017/${String(id).padStart(12, '0')}.jpg`,
    ...{height: 480, width: 640, date_captured: '2013-11-14 11:18:45', id},
  }))}], "annotations": [`;
  for (let id = 1; id <= annotations; id++) {
    const points = 4 + random.integer(50);
    const polygon = Array.from({length: 2 * points}, () => random.integer(48_000) / 100);
    const bbox = [0, 0, 100.5, 80.25].map((value) => value + random.integer(100));
    const ids = {image_id: 1 + random.integer(images), category_id: 1 + random.integer(categories), id};
    yield `${id === 1 ? '' : ', '}${JSON.stringify({segmentation: [polygon], area: 5000.5, iscrowd: 0, bbox, ...ids})}`;
  }
  yield `], "categories": [${list(categories, (id) => ({supercategory: 'thing', id, name: `class ${id}`}))}]}`;
}

const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-'));
try {
  const file = join(folder, 'instances.json');
  await pipeline(text, createWriteStream(file));
  console.log(`${images} images, ${annotations} annotations, ${((await stat(file)).size / 2 ** 20).toFixed(0)} MiB`);
  const measure = async (name: string, command: string, args: readonly string[]) => {
    const {stdout} = await promisify(execFile)(command, [...args, file]);
    console.log(`${name.padEnd(12)} ${stdout.trim().split('\n').at(-1)}`);
  };
  const script = fileURLToPath(new URL('bench/coco-open.ts', import.meta.url));
  await measure('maskrcnn', process.execPath, ['--import', 'tsx', script]);
  if (values.peer !== undefined) {
    await measure('pycocotools', values.peer, [fileURLToPath(new URL('bench/coco_open.py', import.meta.url))]);
  }
} finally {
  await rm(folder, {recursive: true});
}
