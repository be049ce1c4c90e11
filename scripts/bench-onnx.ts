/**
 * Time and peak memory of one detection with 100 masks in onnxruntime-node, each in a process of its own: exported by
 * this package, exported by torchvision (with --peer), and beside them the addon. Also, the time for each image of a
 * batch. ResNet-50 with random weights. On a machine that others use, CPU seconds (of all threads) and the least time
 * say more than the median.
 *
 *   npm run bench:onnx -- [--peer PYTHON] [--size 704x512] [--threads 2] [--runs 7] [--batch 4]
 */
import {execFile} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs, promisify} from 'node:util';
import {exportOnnx, maskRcnn} from '../lib/index.js';

const run = promisify(execFile);
const {values} = parseArgs({
  options: {
    peer: {type: 'string'},
    size: {type: 'string', default: '704x512'},
    threads: {type: 'string', default: '2'},
    runs: {type: 'string', default: '7'},
    batch: {type: 'string', default: '4'},
  },
});
const [width, height] = values.size.split('x').map(Number) as [number, number];

type Measured = {seconds: number; least: number; cpuSeconds: number; peak: number; detections: number};

const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bench-onnx-'));
try {
  const weights = join(folder, 'weights.pth');
  const image = join(folder, 'image.raw');
  const pixels = Uint8Array.from({length: width * height * 3}, (_, i) => (i * 7919 + (i >> 7) * 31) & 255);
  await writeFile(image, pixels);
  {
    // Without a threshold, random weights find as many objects as there may be.
    await using model = await maskRcnn({numClasses: 91, boxScoreThresh: 0, device: 'cpu'});
    await model.save(weights);
  }
  const inFolder = (name: string) => join(folder, `${name}.onnx`);
  for (const masks of ['image', 'box'] as const) await exportOnnx(weights, inFolder(masks), {masks});
  await exportOnnx(weights, inFolder('half'), {masks: 'image', half: true});
  await exportOnnx(weights, inFolder('batch'), {masks: 'box', batch: true});

  const rows: [name: string, kind: string, file: string, batch?: string][] = [
    ['addon, predict()', 'addon', weights],
    ['masks of the image', 'session', inFolder('image')],
    ['masks of the image, half', 'session', inFolder('half')],
    ['masks of the box', 'session', inFolder('box')],
    ['masks of the box, a batch of 1', 'batch', inFolder('batch'), '1'],
    [`masks of the box, a batch of ${values.batch}`, 'batch', inFolder('batch'), values.batch],
    ["masks of the box, maskrcnn/onnx's predict()", 'runtime', inFolder('box')],
  ];
  if (values.peer !== undefined) {
    const script = fileURLToPath(new URL('bench/export_torchvision.py', import.meta.url));
    await run(values.peer, [script, weights, inFolder('torchvision'), String(height), String(width)]);
    rows.push(["torchvision's own export", 'torchvision', inFolder('torchvision')]);
  }
  const program = fileURLToPath(new URL('bench/onnx-detect.ts', import.meta.url));
  console.log(`${width} × ${height} pixels, ${values.threads} threads, median of ${values.runs}`);
  console.log('| | median s | least s | CPU s | peak MB | detections |\n|---|---|---|---|---|---|');
  for (const [name, kind, file, batch = '1'] of rows) {
    const settings = [String(width), String(height), values.threads, values.runs, batch];
    const {stdout} = await run(process.execPath, ['--import=tsx', program, kind, file, image, ...settings]);
    const {seconds, least, cpuSeconds, peak, detections} = JSON.parse(stdout) as Measured;
    const figures = [seconds, least, cpuSeconds].map((each) => each.toFixed(2));
    console.log(`| ${[name, ...figures, Math.round(peak / 1e6), detections].join(' | ')} |`);
  }
} finally {
  await rm(folder, {recursive: true, force: true});
}
