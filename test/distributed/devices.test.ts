import test from 'ava';
import {requireDifferentGpus} from '../../lib/distributed/process-group.js';
import {checkSyncBatchNorm} from '../../lib/train/check-options.js';

const on = (device: string, host = 'a', visible?: string) => ({device, host, visible});

test('all processes on the CPU, or each on a GPU of its own', (t) => {
  t.notThrows(() => requireDifferentGpus([on('cpu'), on('cpu')]));
  t.notThrows(() => requireDifferentGpus([on('cuda:0'), on('cuda:1'), on('cuda:0', 'b')]));
  t.notThrows(() => requireDifferentGpus([on('cuda', 'a', '0'), on('cuda', 'a', '1')]));
});

test('two processes with one GPU are refused', (t) => {
  t.throws(() => requireDifferentGpus([on('cuda:1'), on('cuda'), on('cuda:0')]), {
    code: 'INVALID_OPTION',
    message: /^Each process must train on a GPU of its own, but rank 1 and rank 2 both have cuda:0 of a\./,
  });
});

test('a GPU beside a CPU is refused', (t) => {
  t.throws(() => requireDifferentGpus([on('cuda'), on('cpu')]), {
    code: 'INVALID_OPTION',
    message: /^All processes must .*: that of rank 0 is cuda and that of rank 1 is cpu\./s,
  });
});

test('syncBatchNorm needs norms that are trained', (t) => {
  const distributed = {syncBatchNorm: true};
  const check = (backboneNorm: 'batch' | 'frozen', version: 1 | 2 = 1) =>
    checkSyncBatchNorm({options: {backboneNorm, version}} as Parameters<typeof checkSyncBatchNorm>[0], {distributed});
  t.notThrows(() => check('batch'));
  // The pyramid and the heads of version 2 have batch norms in any case.
  t.notThrows(() => check('frozen', 2));
  t.throws(() => check('frozen'), {
    code: 'INVALID_OPTION',
    message:
      /^Option 'syncBatchNorm' of train\(\)'s distributed needs a network with batch norms that are trained, .*frozen\./,
  });
});
