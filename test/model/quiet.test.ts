import {execFile} from 'node:child_process';
import {promisify} from 'node:util';
import test from 'ava';
import {nodeArguments} from '../program.js';

// On some processors, libtorch used to warn at each convolution that it could not use NNPACK.
test('detection and training write nothing by themselves', async (t) => {
  const {stdout, stderr} = await promisify(execFile)(process.execPath, nodeArguments('test/model/detect-and-step.ts'));
  t.deepEqual({stdout, stderr}, {stdout: '', stderr: ''});
});
