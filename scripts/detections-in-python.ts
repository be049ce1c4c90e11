/**
 * Shows that Python detects the same as this package: torchvision builds the network of a checkpoint and loads its
 * weights strictly. Then its detections on an image are compared with ours.
 *
 *     npx tsx scripts/detections-in-python.ts CHECKPOINT IMAGE --python PATH
 *
 * The Python needs torch, torchvision and safetensors.
 */
import {spawnSync} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {extname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {maskRcnn, readImage} from '../lib/index.js';
import {readWeights} from '../lib/weights/read-weights.js';

const {values: options, positionals} = parseArgs({
  options: {python: {type: 'string', default: 'python3'}},
  allowPositionals: true,
});
const [checkpoint, imagePath] = positionals;
if (checkpoint === undefined || imagePath === undefined) throw new Error('usage: CHECKPOINT IMAGE [--python PATH]');

/** The largest difference relative to the largest value. */
function relativeError(ours: ArrayLike<number>, theirs: ArrayLike<number>): number {
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < ours.length; i++) {
    difference = Math.max(difference, Math.abs(ours[i]! - theirs[i]!));
    largest = Math.max(largest, Math.abs(theirs[i]!));
  }
  return largest === 0 ? difference : difference / largest;
}

const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-detections-'));
try {
  const image = await readImage(imagePath);
  await using model = await maskRcnn({weights: checkpoint, device: 'cpu'});
  const [ours] = await model.predict(image, {maskFormat: 'float'});
  const weights = join(folder, `model${extname(checkpoint)}`);
  await model.save(weights);
  await writeFile(join(folder, 'pixels.bin'), image.data);
  await writeFile(
    join(folder, 'task.json'),
    JSON.stringify({weights, width: image.width, height: image.height, options: model.options}),
  );
  const script = fileURLToPath(new URL('fixtures/detections.py', import.meta.url));
  const {status, error} = spawnSync(options.python, [script, folder], {stdio: 'inherit'});
  if (status !== 0) throw error ?? new Error(`${options.python} ended with status ${status}`);

  const {tensors} = await readWeights(join(folder, 'detections.safetensors'));
  const theirs = (name: string) => new Float32Array(Uint8Array.from(tensors.get(name)!.data).buffer);
  const planes = new Float32Array(ours!.masks.length * image.width * image.height);
  for (const [index, plane] of ours!.masks.entries()) planes.set(plane, index * plane.length);
  const errors = {
    boxes: relativeError(ours!.boxes, theirs('boxes')),
    labels: relativeError(ours!.labels, theirs('labels')),
    scores: relativeError(ours!.scores, theirs('scores')),
    masks: relativeError(planes, theirs('masks')),
  };
  console.log(`${ours!.scores.length} detections; relative errors:`, errors);
  if (!(Math.max(...Object.values(errors)) < 1e-4)) process.exitCode = 1;
} finally {
  await rm(folder, {recursive: true});
}
