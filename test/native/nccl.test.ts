import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test from 'ava';
import {loadRuntime, packageRoot} from '../../lib/addon/binding.js';
import {prepareNccl} from '../../lib/addon/device.js';
import {nodeArguments} from '../program.js';
import {python} from '../python.js';

// What can be shown of groups of GPUs without one: their library compiles for a PyTorch for CUDA, which PYTHON or
// LIBTORCH names, loads, and says what is missing.

const BUILD = join(packageRoot, 'build/nccl');
const LIBRARY = join(BUILD, 'Release/libmaskrcnn_nccl.so');

/** The folder of a libtorch for CUDA, or undefined. */
function cudaLibtorch(): string | undefined {
  const find = 'import importlib.util as u; print(u.find_spec("torch").origin)';
  const {status, stdout} = spawnSync(python, ['-c', find], {encoding: 'utf8'});
  const roots = [process.env.LIBTORCH ?? '', status === 0 ? dirname(stdout.trim()) : ''];
  return roots.find((root) => root !== '' && existsSync(join(root, 'lib/libtorch_cuda.so')));
}

function cmake(...args: string[]): {status: number | null; output: string} {
  const {status, stdout, stderr, error} = spawnSync('cmake', args, {encoding: 'utf8'});
  return {status, output: error === undefined ? `${stdout}${stderr}` : error.message};
}

const libtorch = cudaLibtorch();
const configured =
  libtorch === undefined
    ? undefined
    : cmake('-S', packageRoot, '-B', BUILD, `-DLIBTORCH=${libtorch}`, '-DMASKRCNN_NCCL=ON');
const withCuda = configured?.status === 0 ? test.serial : test.serial.skip;
if (libtorch === undefined) {
  console.log(
    `# skipped: the library for groups of GPUs, for ${python} (PYTHON names another) has no PyTorch for CUDA`,
  );
} else if (configured?.status !== 0) {
  const lacks = /cannot be built without: (.*)/.exec(configured!.output)?.[1] ?? configured!.output;
  console.log(`# skipped: the library for groups of GPUs, for the build lacks ${lacks}`);
}

withCuda('the library for groups of GPUs compiles for a libtorch for CUDA', (t) => {
  const {status, output} = cmake('--build', BUILD, '--target', 'maskrcnn_nccl');
  t.is(status, 0, output);
  t.true(existsSync(LIBRARY));
});

withCuda('it loads without Python, and says that there is no GPU', (t) => {
  const args = [...nodeArguments('test/native/load-nccl.ts'), join(libtorch!, 'lib'), LIBRARY];
  const {status, stdout, stderr} = spawnSync(process.execPath, args, {encoding: 'utf8'});
  t.is(status, 0, stderr);
  const said = existsSync('/dev/nvidia0')
    ? 'loaded'
    : `DEVICE_UNAVAILABLE ${LIBRARY} cannot be used: libtorch sees no GPU.`;
  t.is(stdout.trim(), said);
});

test('without that library, groups of GPUs are refused with a reason and a hint', async (t) => {
  const {binding, loader, libtorch} = await loadRuntime();
  const nowhere = join(packageRoot, 'nowhere.so');
  const obstacle = await prepareNccl({
    binding,
    libtorch,
    loader: {...loader, loadNccl: (libDir) => loader.loadNccl(libDir, nowhere)},
  });
  t.regex(obstacle!.problem, /nowhere\.so cannot be used: .*No such file or directory$/);
  t.regex(obstacle!.hint, /npm run build:addon/);
});
