/**
 * Shows that weights can be exchanged in both directions: Python writes a Mask R-CNN in every container format, and
 * this package reads and rewrites each. Then Python loads the results strictly and compares them bit by bit.
 *
 *     npx tsx scripts/weights-roundtrip.ts --python PATH
 *
 * The Python needs torch, torchvision and safetensors.
 */
import {spawnSync} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {writePth} from '../lib/weights/pth/write-pth.js';
import {readWeights} from '../lib/weights/read-weights.js';
import {writeSafetensors} from '../lib/weights/write-safetensors.js';

const {values: options} = parseArgs({options: {python: {type: 'string', default: 'python3'}}});
const script = fileURLToPath(new URL('fixtures/weights-roundtrip.py', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-roundtrip-'));

function python(command: string): void {
  const {status, error} = spawnSync(options.python, [script, command, folder], {stdio: 'inherit'});
  if (status !== 0) throw error ?? new Error(`${options.python} ${command} ended with status ${status}`);
}

try {
  python('make');
  for (const name of ['python-zip.pth', 'python-legacy.pth', 'python-wrapped.pth', 'python.safetensors']) {
    const {tensors, format, notes} = await readWeights(join(folder, name));
    console.log([`${name}: ${format}, ${tensors.size} tensors`, ...notes].join('; '));
    const stem = join(folder, `node-from-${name.replace('.', '-')}`);
    await writeSafetensors(`${stem}.safetensors`, tensors, {classes: ['gland']});
    await writePth(`${stem}.pth`, tensors, {classes: ['gland']});
    await writePth(`${stem}-wrapped.pth`, {model: tensors, epoch: 3, rate: 0.5, names: ['a', null, true]});
  }
  python('check');
} finally {
  await rm(folder, {recursive: true});
}
