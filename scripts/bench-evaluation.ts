/**
 * Compares COCO evaluation with pycocotools in one run, on a generated data set: equality of the scores, time and
 * memory.
 *
 *   npm run bench:evaluation -- --peer PYTHON [--images 5000] [--detections 100] [--classes 80]
 *
 * PYTHON is an interpreter with pycocotools.
 */
import {execFile} from 'node:child_process';
import {createWriteStream} from 'node:fs';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pipeline} from 'node:stream/promises';
import {fileURLToPath} from 'node:url';
import {parseArgs, promisify} from 'node:util';
import {loadBinding} from '../lib/addon/binding.js';
import {Random} from '../lib/basics/random.js';

/** The report of one side: seconds, mebibytes, and the twelve scores (-1: none). */
type Report = {
  load: number;
  bbox: number;
  segm: number;
  peak: number;
  scores: {bbox: number[]; segm: number[]};
};

const [width, height] = [640, 480];
const {values} = parseArgs({
  options: {
    peer: {type: 'string'},
    images: {type: 'string', default: '5000'},
    detections: {type: 'string', default: '100'},
    classes: {type: 'string', default: '80'},
  },
});
const [images, detections, classes] = [values.images, values.detections, values.classes].map(Number) as [
  number,
  number,
  number,
];
const {rle} = await loadBinding();
const random = new Random(1);

type Box = [left: number, top: number, width: number, height: number];

/** An ellipse that fills the box, with a ragged edge like the masks of detections. */
function mask([left, top, w, h]: Box): {size: [number, number]; counts: string} {
  const crop = {left: Math.floor(left), top: Math.floor(top), width: Math.floor(w), height: Math.floor(h)};
  const data = new Uint8Array(crop.width * crop.height);
  for (let y = 0; y < crop.height; y++) {
    const reach = Math.sqrt(Math.max(0, 1 - ((2 * y + 1) / crop.height - 1) ** 2));
    const half = (crop.width / 2) * Math.min(1, reach * (0.9 + 0.1 * random.next()));
    data.fill(1, Math.floor(y * crop.width + crop.width / 2 - half), Math.ceil(y * crop.width + crop.width / 2 + half));
  }
  return {size: [height, width], counts: rle.encodeCrop({...crop, data}, width, height)};
}

function box(): Box {
  const [w, h] = [8 + 200 * random.next() ** 3, 8 + 200 * random.next() ** 3].map(Math.round) as [number, number];
  return [Math.round((width - w) * random.next()), Math.round((height - h) * random.next()), w, h];
}

function near([left, top, w, h]: Box): Box {
  const shift = (size: number) => Math.round(0.2 * size * (random.next() - 0.5));
  const [x, y] = [Math.max(0, left + shift(w)), Math.max(0, top + shift(h))];
  return [x, y, Math.min(width - x, Math.max(4, w + shift(w))), Math.min(height - y, Math.max(4, h + shift(h)))];
}

const area = ({counts}: {counts: string}) => rle.areas([counts], width, height)[0];
const category = () => 1 + Math.floor(classes * random.next() ** 2);

/** Writes both files together, so that detections lie near objects. */
async function writeSet(truthFile: string, resultsFile: string): Promise<void> {
  const truth: {box: Box; category: number}[][] = Array.from({length: images}, () =>
    Array.from({length: Math.floor(15 * random.next())}, () => ({box: box(), category: category()})),
  );
  function* annotations() {
    const list = Array.from({length: images}, (_, i) => ({id: i + 1, file_name: `${i + 1}.jpg`, width, height}));
    const categories = Array.from({length: classes}, (_, i) => ({id: i + 1, name: `class ${i + 1}`}));
    yield `{"images": ${JSON.stringify(list)}, "categories": ${JSON.stringify(categories)}, "annotations": [`;
    let id = 0;
    for (const [i, objects] of truth.entries()) {
      for (const given of objects) {
        const segmentation = mask(given.box);
        const iscrowd = Number(random.next() < 0.01);
        const row = {image_id: i + 1, category_id: given.category, bbox: given.box, segmentation, iscrowd};
        yield `${id === 0 ? '' : ',\n'}${JSON.stringify({id: ++id, area: area(segmentation), ...row})}`;
      }
    }
    yield ']}';
  }
  function* results() {
    let first = true;
    for (const [i, objects] of truth.entries()) {
      for (let d = 0; d < detections; d++) {
        const object = random.next() < 0.5 ? objects[Math.floor(objects.length * random.next())] : undefined;
        const bbox = object === undefined ? box() : near(object.box);
        const label = object === undefined || random.next() < 0.1 ? category() : object.category;
        const score = Math.round(1000 * random.next()) / 1000;
        const row = {image_id: i + 1, category_id: label, bbox, segmentation: mask(bbox), score};
        yield `${first ? '[' : ',\n'}${JSON.stringify(row)}`;
        first = false;
      }
    }
    yield ']';
  }
  await pipeline(annotations, createWriteStream(truthFile));
  await pipeline(results, createWriteStream(resultsFile));
}

async function measure(command: string, args: readonly string[]): Promise<Report> {
  const {stdout} = await promisify(execFile)(command, [...args], {maxBuffer: 1 << 24});
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Report;
}

const script = (name: string) => fileURLToPath(new URL(`bench/${name}`, import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-'));
try {
  const files = [join(folder, 'truth.json'), join(folder, 'results.json')] as const;
  await writeSet(...files);
  console.log(`${images} images × ${detections} detections, ${classes} classes`);
  const ours = await measure(process.execPath, ['--import', 'tsx', script('evaluation-ours.ts'), ...files]);
  const peer =
    values.peer === undefined ? undefined : await measure(values.peer, [script('evaluation_pycocotools.py'), ...files]);

  const row = (name: string, cells: readonly string[]) =>
    [name.padEnd(28), ...cells.map((cell) => cell.padStart(14))].join('');
  const compare = (name: string, unit: string, value: (report: Report) => number) =>
    console.log(
      row(name, [
        `${value(ours).toFixed(1)} ${unit}`,
        ...(peer === undefined
          ? []
          : [`${value(peer).toFixed(1)} ${unit}`, `${(value(peer) / value(ours)).toFixed(1)} ×`]),
      ]),
    );
  console.log(row('', ['maskrcnn', ...(peer === undefined ? [] : ['pycocotools', 'ratio'])]));
  compare('read both files', 's', ({load}) => load);
  compare('boxes', 's', ({bbox}) => bbox);
  compare('masks', 's', ({segm}) => segm);
  compare('boxes and masks', 's', ({bbox, segm}) => bbox + segm);
  compare('everything', 's', ({load, bbox, segm}) => load + bbox + segm);
  compare('peak memory', 'MiB', ({peak}) => peak);
  if (peer !== undefined) {
    const difference = Math.max(
      ...(['bbox', 'segm'] as const).flatMap((type) =>
        ours.scores[type].map((score, i) => Math.abs(score - peer.scores[type][i]!)),
      ),
    );
    console.log(
      `Largest difference of the 24 scores: ${difference.toExponential(1)} (segm AP ${ours.scores.segm[0]!.toFixed(4)})`,
    );
    if (!(difference <= 1e-12)) process.exitCode = 1;
  }
} finally {
  await rm(folder, {recursive: true});
}
