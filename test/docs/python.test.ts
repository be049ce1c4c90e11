import {execFile} from 'node:child_process';
import {mkdir, mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {maskRcnn} from '../../lib/index.js';
import {nodeArguments} from '../program.js';
import {python, pythonHas} from '../python.js';
import {blocksOf, documents, root} from './blocks.js';

const run = promisify(execFile);

const hasPython = pythonHas(['safetensors', 'torchvision'], 'the examples in Python');
const withPython = hasPython ? test : test.skip;

/** What the blocks assume: `whole.pth` contains a model, not its weights. */
const PRELUDE = `
import torch, torchvision
torch.save(torch.nn.Linear(2, 2), 'whole.pth')
`;

let folder: string;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-python-'));
  if (!hasPython) return;
  await mkdir(join(folder, 'runs', 'glas'), {recursive: true});
  for (const [backboneNorm, files] of [
    ['frozen', ['runs/glas/best.safetensors']],
    ['batch', ['best.pth', 'best.safetensors']],
  ] as const) {
    const model = await maskRcnn({classes: ['gland'], backboneNorm, device: 'cpu'});
    for (const file of files) await model.save(join(folder, file));
    model.dispose();
  }
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

withPython('weights travel to Python and back in every container', async (t) => {
  const program = nodeArguments('scripts/weights-roundtrip.ts');
  await t.notThrowsAsync(run(process.execPath, [...program, '--python', python], {cwd: root}));
});

withPython('every example in Python runs', async (t) => {
  const blocks = (await Promise.all((await documents()).map(blocksOf))).flat();
  const examples = blocks.filter(({language}) => language === 'python');
  t.true(examples.length > 3);
  for (const {document, line, text} of examples) {
    // Also try the other format, which is in a comment.
    const both = text.replace(/^# or: (?=model\.load_state_dict\(safetensors)/gm, 'import safetensors.torch\n');
    await t.notThrowsAsync(run(python, ['-c', `${PRELUDE}\n${both}`], {cwd: folder}), `${document}:${line}`);
  }
});
