import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';

// On some processors, libtorch used to warn at each convolution that it could not use NNPACK.
test('detection and training write nothing by themselves', async (t) => {
  const script = fileURLToPath(new URL('detect-and-step.ts', import.meta.url));
  const {stdout, stderr} = await promisify(execFile)(process.execPath, ['--import=tsx', script]);
  t.deepEqual({stdout, stderr}, {stdout: '', stderr: ''});
});
