import test from 'ava';
import {localProcesses} from '../../lib/distributed/local-workers.js';

test('as many processes as the option says, one by default, and one in each of them', (t) => {
  t.is(localProcesses(undefined, {}), 1);
  t.is(localProcesses(3, {}), 3);
  t.is(localProcesses(3, {MASKRCNN_STARTED_RANK: '1', RANK: '1', WORLD_SIZE: '3'}), 1);
});

test('Kubeflow asks for processes by its variable, unless torchrun has started them', (t) => {
  const pod = {PET_NNODES: '2', PET_NPROC_PER_NODE: '4', PET_NODE_RANK: '1'};
  t.is(localProcesses(undefined, pod), 4);
  t.is(localProcesses(undefined, {...pod, RANK: '5', WORLD_SIZE: '8'}), 1);
});

test('a process of a group cannot start others', (t) => {
  t.throws(() => localProcesses(2, {RANK: '0', WORLD_SIZE: '2'}), {code: 'INVALID_OPTION', message: /rank 0\./});
});
