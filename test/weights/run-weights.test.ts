import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {maskRcnn} from '../../lib/index.js';
import {resolveWeights} from '../../lib/weights/resolve-weights.js';
import {weightsAt} from '../../lib/weights/run-weights.js';
import {writeSafetensors} from '../../lib/weights/write-safetensors.js';
import {temporaryFolder} from './files.js';

const detector = {kind: 'detector', backbone: 'resnet50', version: 1} as const;

test('the folder of a run means its best weights, which is told', async (t) => {
  const run = await temporaryFolder(t);
  const best = join(run, 'best.safetensors');
  await writeFile(best, '');
  const note = `${run} is a folder: took ${best}.`;
  t.deepEqual(await resolveWeights(run, detector), {path: best, registered: undefined, note});
  t.deepEqual(await weightsAt(best), {file: best});
  t.deepEqual(await weightsAt(join(run, 'none')), {file: join(run, 'none')});
});

test('a folder without best weights is refused with the weights that it has', async (t) => {
  const run = await temporaryFolder(t);
  const refused = async (hint: string) => {
    const message = `${run} is a folder without best.safetensors, the best weights of a run.\n${hint}`;
    await t.throwsAsync(resolveWeights(run, detector), {code: 'INVALID_OPTION', message});
  };
  await mkdir(join(run, 'best.safetensors'));
  await writeFile(join(run, 'last.state.safetensors'), '');
  await writeFile(join(run, 'metrics.jsonl'), '');
  await refused('Name a file of weights instead.');
  await writeFile(join(run, 'last.safetensors'), '');
  await writeFile(join(run, 'a.pth'), '');
  await refused(`Name a file instead: ${join(run, 'a.pth')}, ${join(run, 'last.safetensors')}.`);
});

test('the state of a run is refused as weights, with the weights beside it', async (t) => {
  const run = await temporaryFolder(t);
  const state = join(run, 'last.state.safetensors');
  await writeSafetensors(state, new Map(), {maskrcnn_training: '{}'});
  const said = `${state} is the state that a run resumes from, not a file of weights.\nName the weights of the run: `;
  for (const options of [{weights: state}, {weightsBackbone: state}]) {
    const message = `${said}its best.safetensors or last.safetensors.`;
    await t.throwsAsync(maskRcnn(options), {code: 'INVALID_CHECKPOINT', message});
  }
  for (const name of ['best.safetensors', 'last.safetensors']) await writeFile(join(run, name), '');
  const [best, last] = [join(run, 'best.safetensors'), join(run, 'last.safetensors')];
  await t.throwsAsync(maskRcnn({weights: state}), {message: `${said}${best} or ${last}.`});
});
