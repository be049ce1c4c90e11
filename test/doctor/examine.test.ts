import {chmodSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {runCli} from '../../lib/cli/run.js';
import {describeFindings, examine, type Finding} from '../../lib/doctor/examine.js';
import {essentialLibraries} from '../../lib/libtorch/layout.js';
import {pinned} from '../../lib/libtorch/pinned.js';
import {registry} from '../../lib/weights/registry.js';
import {recordedProgress, temporaryFolder} from '../libtorch/fake-wheel.js';

const failed = (findings: Finding[]) => findings.filter(({state}) => state === 'failed');

/** The package.json of a package that needs a newer Node. */
const PACKAGE = '{"version": "1.2.3", "engines": {"node": ">=99.1"}}';
/** The id of the Unix user without any rights. */
const NOBODY = 65534;

/** A folder that looks like libtorch but contains no real library. */
function fakeLibtorch(folder: string, version: string): string {
  mkdirSync(join(folder, 'lib'), {recursive: true});
  for (const name of essentialLibraries) writeFileSync(join(folder, 'lib', name), 'no library');
  writeFileSync(join(folder, 'build-version'), version);
  return folder;
}

test.serial('doctor finds nothing amiss where the tests run', async (t) => {
  const {progress, text} = recordedProgress();
  let out = '';
  const code = await runCli(
    ['doctor', '--json'],
    {out: (line) => (out += line), progress},
    AbortSignal.timeout(120_000),
  );
  t.is(code, 0, out + text());
  const findings = JSON.parse(out) as Finding[];
  const states = Object.fromEntries(findings.map(({name, state}) => [name, state]));
  t.like(states, {
    'Node.js': 'ok',
    Addon: 'ok',
    libtorch: 'ok',
    'Self-test: loading': 'ok',
    'Self-test: operators': 'ok',
    'Self-test: network': 'ok',
  });
  t.regex(findings.find(({name}) => name === 'Cache')!.text, /maskrcnn: /);
});

test.serial('a libtorch of another version fails without being loaded', async (t) => {
  const LIBTORCH = fakeLibtorch(temporaryFolder(t), '1.13.0');
  const findings = await examine({env: {...process.env, LIBTORCH}});
  t.deepEqual(failed(findings), [
    {
      name: 'libtorch',
      state: 'failed',
      text: `1.13.0 in ${LIBTORCH} (from LIBTORCH), and the addon needs ${pinned.torch.replace(/\.\d+$/, '')}.x`,
    },
  ]);
  t.false(findings.some(({name}) => name.startsWith('Self-test')));
});

test.serial('a broken library fails in the process that loads it', async (t) => {
  const LIBTORCH = fakeLibtorch(temporaryFolder(t), pinned.torch);
  const [finding, ...others] = failed(await examine({env: {...process.env, LIBTORCH}}));
  t.is(others.length, 0);
  t.is(finding!.name, 'Self-test: loading');
  t.true(finding!.text.includes(essentialLibraries[0]!), finding!.text);
});

test.serial('a crash of the self-test is told, and takes nobody along', async (t) => {
  const crash = join(temporaryFolder(t), 'crash.mjs');
  writeFileSync(crash, "process.kill(process.pid, 'SIGSEGV');");
  const [finding] = failed(await examine({env: {...process.env, NODE_OPTIONS: `--import=${crash}`}}));
  t.like(finding, {name: 'Self-test', text: 'the process that loads libtorch crashed with SIGSEGV'});
});

test('a missing libtorch and a missing addon are told with the places looked at', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'package.json'), PACKAGE);
  const findings = await examine({env: {XDG_CACHE_HOME: folder, PATH: ''}, root: folder});
  t.deepEqual(
    failed(findings).map(({name}) => name),
    ['Node.js', 'Addon', 'libtorch'],
  );
  const text = describeFindings(findings);
  t.regex(text, /FAIL {2}Node\.js +\S+, for maskrcnn 1\.2\.3, which needs >=99\.1/);
  t.regex(text, /FAIL {2}libtorch +not found\n +LIBTORCH: not set\n(.*\n)+ +`npx maskrcnn setup` fetches it/);
  t.regex(text, /Cache +.*: empty/);
});

test('GPUs and their driver are told where nvidia-smi is, and what it says where it fails', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'package.json'), PACKAGE);
  const said = async (script: string) => {
    writeFileSync(join(folder, 'nvidia-smi'), `#!/bin/sh\n${script}\n`, {mode: 0o755});
    const findings = await examine({env: {XDG_CACHE_HOME: folder, PATH: folder}, root: folder});
    return findings.find(({name}) => name === 'nvidia-smi');
  };
  t.deepEqual(await said("echo 'NVIDIA H100 80GB HBM3, 550.54.15'; echo 'NVIDIA A10, 24G, 550.54.15'"), {
    name: 'nvidia-smi',
    state: 'note',
    text: 'NVIDIA H100 80GB HBM3, driver 550.54.15\nNVIDIA A10, 24G, driver 550.54.15',
  });
  t.like(await said("echo 'No driver is there.'; echo more; exit 9"), {
    state: 'note',
    text: 'failed: No driver is there.',
  });
});

test('weights that torch.hub has, and that are registered, are told', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'package.json'), PACKAGE);
  const finding = async () => {
    const findings = await examine({env: {XDG_CACHE_HOME: folder, TORCH_HOME: folder, PATH: ''}, root: folder});
    return findings.find(({name}) => name === 'Cache of torch.hub')!.text;
  };
  const hub = join(folder, 'hub', 'checkpoints');
  t.is(await finding(), `${hub}: none of the registered weights`);
  mkdirSync(hub, {recursive: true});
  writeFileSync(join(hub, 'of-another-program.pth'), 'x');
  writeFileSync(join(hub, registry[0]!.file), Buffer.alloc(200_000));
  t.is(await finding(), `${hub}: ${registry[0]!.file} 0.2 MB`);
});

test.serial('a folder of the cache that may not be read is no failure', async (t) => {
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'package.json'), PACKAGE);
  mkdirSync(join(folder, 'maskrcnn', 'closed'), {recursive: true});
  chmodSync(join(folder, 'maskrcnn', 'closed'), 0o000);
  // Drop root's rights, because root may read everything.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid!(NOBODY);
  t.teardown(() => {
    if (isRoot) process.seteuid!(0);
    chmodSync(join(folder, 'maskrcnn', 'closed'), 0o755);
  });
  const findings = await examine({env: {XDG_CACHE_HOME: folder, PATH: ''}, root: folder});
  t.is(findings.find(({name}) => name === 'Cache')!.text, `${join(folder, 'maskrcnn')}: closed 0.0 MB`);
});
