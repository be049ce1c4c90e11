import {execFile} from 'node:child_process';
import {mkdir, mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import {EventFile} from '../../lib/run/event-file.js';
import {python, pythonHas} from '../python.js';
import {step} from './records.js';

const run = promisify(execFile);

const withTensorBoard = pythonHas(['tensorboard', 'tensorboard_data_server'], "TensorBoard's readers")
  ? test
  : test.skip;

/** Prints what the class for scripts, the slower loader and the faster one read of a folder, as [step, value]. */
const READERS = `
import json, sys
from tensorboard import context
from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.data import provider, server_ingester
from tensorboard.util import tensor_util, grpc_util

folder, run_name, tag = sys.argv[1:]
path = folder + '/' + run_name

scripts = event_accumulator.EventAccumulator(path, size_guidance={'scalars': 0})
scripts.Reload()
slow = plugin_event_accumulator.EventAccumulator(path, size_guidance={'tensors': 0})
slow.Reload()
fast = server_ingester.SubprocessServerDataIngester(
    server_binary=server_ingester.get_server_binary(), logdir=folder, reload_interval=0,
    channel_creds_type=grpc_util.ChannelCredsType.LOCAL)
fast.start()
read = fast.data_provider.read_scalars(
    context.RequestContext(), experiment_id='', plugin_name='scalars', downsample=1000,
    run_tag_filter=provider.RunTagFilter(runs=[run_name], tags=[tag]))
print(json.dumps({
    'scripts': [[e.step, e.value] for e in scripts.Scalars(tag)],
    'slow': [[e.step, float(tensor_util.make_ndarray(e.tensor_proto))] for e in slow.Tensors(tag)],
    'fast': [[d.step, float(d.value)] for d in read[run_name][tag]],
}))
`;

withTensorBoard('every reader of TensorBoard drops the steps that a resumed run repeats', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-tensorboard-'));
  t.teardown(() => rm(folder, {recursive: true}));
  await mkdir(join(folder, 'run'));
  for (const [first, end, loss] of [
    [0, 6, 1],
    [3, 5, 2],
    [4, 6, 3],
  ] as const) {
    const events = await EventFile.create(join(folder, 'run'), first);
    for (let index = first; index < end; index++) await events.append({type: 'step', ...step(index, loss)});
    await events.close();
  }
  const {stdout} = await run(python, ['-c', READERS, folder, 'run', 'loss/total']);
  const expected = [1, 1, 1, 2, 3, 3].map((loss, index) => [index, loss]);
  t.deepEqual(JSON.parse(stdout.trim().split('\n').at(-1)!), {scripts: expected, slow: expected, fast: expected});
});
