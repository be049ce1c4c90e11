import {execFile} from 'node:child_process';
import {readdir, readFile, stat} from 'node:fs/promises';
import {extname, join} from 'node:path';
import {loadAddon, packageRoot} from '../addon/binding.js';
import {type Cpus, describeInstructions, usableCpus} from '../addon/cpus.js';
import type {Obstacle} from '../addon/device.js';
import {count} from '../basics/wording.js';
import {cacheRoot} from '../files/cache.js';
import {minorVersion} from '../libtorch/layout.js';
import {lookForLibtorch} from '../libtorch/locate.js';
import {registry} from '../weights/registry.js';
import {torchHubFolder} from '../weights/resolve-weights.js';
import {askNvidiaSmi} from './nvidia-smi.js';
import type {SelfTest} from './self-test.js';

/** The result of one check. */
export type Finding = {
  name: string;
  /** 'note': useful to know, neither good nor bad. */
  state: 'ok' | 'failed' | 'note';
  text: string;
};

export type ExamineOptions = {
  env?: NodeJS.ProcessEnv;
  /** The folder of the package. */
  root?: string;
};

/**
 * Checks everything that the package needs to run. It reports problems as findings and does not throw for them. Into
 * this process it loads no library but the addon's loader, which does not link libtorch.
 */
export async function examine({env = process.env, root = packageRoot}: ExamineOptions = {}): Promise<Finding[]> {
  const findings = [await examineNode(root), examineSystem()];
  const driver = await askNvidiaSmi(env);
  if (driver !== undefined) findings.push({name: 'nvidia-smi', state: 'note', text: driver});
  const addon = examineAddon(root);
  findings.push(addon.finding);
  const libtorch = await examineLibtorch(env, addon.builtFor);
  findings.push(libtorch);
  if (addon.builtFor !== undefined && libtorch.state === 'ok') findings.push(...(await selfTest(env)));
  findings.push(await examineCache(cacheRoot(env)), await examineTorchHub(torchHubFolder(env)));
  return findings;
}

async function examineNode(root: string): Promise<Finding> {
  const {version, engines} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
  const [wantedMajor, wantedMinor] = /(\d+)\.(\d+)/.exec(engines.node)!.slice(1).map(Number) as [number, number];
  const isNew = major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
  return {
    name: 'Node.js',
    state: isNew ? 'ok' : 'failed',
    text: `${process.versions.node}, for maskrcnn ${version}${isNew ? '' : `, which needs ${engines.node}`}`,
  };
}

function examineSystem(): Finding {
  const {header} = process.report.getReport() as unknown as {header: {glibcVersionRuntime?: string}};
  const libc = header.glibcVersionRuntime === undefined ? '' : `, glibc ${header.glibcVersionRuntime}`;
  return {name: 'System', state: 'note', text: `${process.platform}-${process.arch}${libc}`};
}

function examineAddon(root: string): {finding: Finding; builtFor?: string} {
  try {
    const {builtFor} = loadAddon(root);
    return {builtFor, finding: {name: 'Addon', state: 'ok', text: `built for libtorch ${builtFor}`}};
  } catch (error) {
    return {finding: {name: 'Addon', state: 'failed', text: (error as Error).message}};
  }
}

async function examineLibtorch(env: NodeJS.ProcessEnv, builtFor: string | undefined): Promise<Finding> {
  const name = 'libtorch';
  try {
    const {libtorch, looks} = await lookForLibtorch({env});
    if (libtorch === undefined) {
      const places = looks.map(({place, finding}) => `${place}: ${finding}`);
      return {name, state: 'failed', text: ['not found', ...places, '`npx maskrcnn setup` fetches it'].join('\n')};
    }
    const {version, root, origin} = libtorch;
    const fits = builtFor === undefined || (version && minorVersion(version) === minorVersion(builtFor));
    const text = `${version ?? 'of unknown version'} in ${root} (${ORIGINS[origin]})`;
    if (fits) return {name, state: 'ok', text};
    return {name, state: 'failed', text: `${text}, and the addon needs ${minorVersion(builtFor)}.x`};
  } catch (error) {
    return {name, state: 'failed', text: (error as Error).message};
  }
}

const ORIGINS = {LIBTORCH: 'from LIBTORCH', setup: 'from maskrcnn setup', python: 'of python3'} as const;

async function selfTest(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const {test, ending} = await runSelfTest(env);
  const findings: Finding[] = [];
  if (test?.environment !== undefined) {
    const {threads, gpus} = test.environment;
    const cpu = `${describeCpus(usableCpus())}, ${describeInstructions(test.environment)}`;
    findings.push({name: 'CPU', state: 'note', text: cpu});
    const reading = `images are read by ${count(Number(env.UV_THREADPOOL_SIZE) || 4, 'more', 'more')}`;
    findings.push({name: 'Threads', state: 'note', text: `${threads} for each model; ${reading}`});
    findings.push(gpuFinding(gpus, test.obstacle));
  }
  for (const {name, seconds, error} of test?.checks ?? []) {
    findings.push({
      name: `Self-test: ${name}`,
      state: error === undefined ? 'ok' : 'failed',
      text: error ?? `${seconds.toFixed(2)} s`,
    });
  }
  if (ending !== undefined) findings.push({name: 'Self-test', state: 'failed', text: ending});
  return findings;
}

function describeCpus({cpus, present, quota}: Cpus): string {
  return quota === undefined ? count(present, 'core') : `${cpus} of ${count(present, 'core')} by a quota of ${quota}`;
}

/** A machine without a GPU is fine. A GPU that cannot be used is a failure. */
function gpuFinding(gpus: number, obstacle: Obstacle | undefined): Finding {
  if (obstacle === undefined) return {name: 'GPU', state: 'ok', text: `${gpus} to use`};
  const text = `none to use: ${obstacle.problem}`;
  return gpus === 0
    ? {name: 'GPU', state: 'note', text}
    : {name: 'GPU', state: 'failed', text: `${text}\n${obstacle.hint}`};
}

/** Time limit of the self-test of libtorch and a small network, which normally takes a small fraction of a minute. */
const SELF_TEST_MS = 60_000;

async function runSelfTest(env: NodeJS.ProcessEnv): Promise<{test?: SelfTest; ending?: string}> {
  // The program lies next to this file and has the same extension: compiled JavaScript, or TypeScript when run from
  // source.
  const {dirname, filename} = import.meta;
  const program = join(dirname, `self-test${extname(filename)}`);
  return new Promise((resolve) => {
    const args = [...process.execArgv, program];
    execFile(process.execPath, args, {env, timeout: SELF_TEST_MS}, (error, stdout, stderr) => {
      const line = stdout.trim().split('\n').at(-1)!;
      const test = readSelfTest(line);
      if (error === null) return resolve(test === undefined ? {ending: 'it said nothing'} : {test});
      const {signal, code, killed} = error;
      const how = killed ? 'was stopped after a minute' : signal ? `crashed with ${signal}` : `ended with code ${code}`;
      const last = stderr.trim().split('\n').slice(-3).join('\n');
      resolve({...(test && {test}), ending: `the process that loads libtorch ${how}${last && `:\n${last}`}`});
    });
  });
}

/** Undefined if the line is not JSON, for example because it was cut off. */
function readSelfTest(line: string): SelfTest | undefined {
  try {
    return JSON.parse(line) as SelfTest;
  } catch {
    return undefined;
  }
}

async function examineCache(folder: string): Promise<Finding> {
  const parts = await namesIn(folder);
  return {name: 'Cache', state: 'note', text: `${folder}: ${(await withSizes(folder, parts)) || 'empty'}`};
}

/** Weights that PyTorch has downloaded can be used by this package too. */
async function examineTorchHub(folder: string): Promise<Finding> {
  const files = (await namesIn(folder)).filter((name) => registry.some(({file}) => file === name));
  const text = (await withSizes(folder, files)) || 'none of the registered weights';
  return {name: 'Cache of torch.hub', state: 'note', text: `${folder}: ${text}`};
}

async function withSizes(folder: string, names: readonly string[]): Promise<string> {
  const sizes = names.map(async (name) => `${name} ${megabytes(await sizeOf(join(folder, name)))} MB`);
  return (await Promise.all(sizes)).join(', ');
}

async function sizeOf(path: string): Promise<number> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) return 0;
  if (!info.isDirectory()) return info.size;
  const sizes = await Promise.all((await namesIn(path)).map((name) => sizeOf(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Empty if the folder does not exist or cannot be read. */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

/** The findings as lines of text, with failures marked. */
export function describeFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({name}) => name.length));
  const marks = {ok: 'ok  ', failed: 'FAIL', note: '    '};
  return findings
    .map(({name, state, text}) => {
      const indented = text.replaceAll('\n', `\n${' '.repeat(width + 8)}`);
      return `${marks[state]}  ${name.padEnd(width)}  ${indented}`;
    })
    .join('\n');
}
