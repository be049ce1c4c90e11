import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {isInterruption} from '../../lib/cli/command.js';
import {runCli} from '../../lib/cli/run.js';
import {recordedProgress, temporaryFolder} from '../libtorch/fake-wheel.js';

async function run(...args: string[]) {
  const {progress, text} = recordedProgress();
  let out = '';
  const code = await runCli(args, {out: (line) => (out += `${line}\n`), progress}, new AbortController().signal);
  return {code, out, err: text()};
}

test('--help lists the commands; without a command that is an error', async (t) => {
  const help = await run('--help');
  t.is(help.code, 0);
  t.regex(help.out, /^Usage: maskrcnn COMMAND.*\n\n {2}setup +Fetch libtorch 2\.13\.0/);
  t.like(await run(), {code: 2, out: help.out});
});

test('setup --help names its options and the cache', async (t) => {
  const {code, out} = await run('setup', '--help');
  t.is(code, 0);
  for (const word of ['--cpu', '--cuda', '--from PATH_OR_URL', 'maskrcnn']) t.true(out.includes(word), word);
});

test('--version prints the version of the package', async (t) => {
  t.regex((await run('--version')).out, /^\d+\.\d+\.\d+\S*\n$/);
});

test('wrong usage ends with code 2 and a hint', async (t) => {
  const cases: [string[], string][] = [
    [['setpu'], "error: maskrcnn has no command 'setpu'.\nDid you mean 'setup'?\n"],
    [
      ['copy'],
      "error: maskrcnn has no command 'copy'.\nIts commands: setup, doctor, inspect, train, predict, join, evaluate, compare, convert-data, convert, export, serve, report.\n",
    ],
    [['setup', '--gpu'], "error: maskrcnn setup has no option '--gpu'.\nSee `maskrcnn setup --help`.\n"],
    [
      ['frobnicate'],
      "error: maskrcnn has no command 'frobnicate'.\nIts commands: setup, doctor, inspect, train, predict, join, evaluate, compare, convert-data, convert, export, serve, report.\n",
    ],
    [['setup', '--cudda'], "error: maskrcnn setup has no option '--cudda'.\nDid you mean '--cuda'?\n"],
    [
      ['setup', '--wheel-folder'],
      "error: maskrcnn setup has no option '--wheel-folder'.\nSee `maskrcnn setup --help`.\n",
    ],
    [['setup', 'x.whl'], "error: maskrcnn setup takes no argument, got 'x.whl'.\nDid you mean --from x.whl?\n"],
    [
      ['setup', '--cpu', '--cuda'],
      'error: maskrcnn setup takes one of --cpu and --cuda, got both.\nThe libtorch of --cuda serves the CPU too.\n',
    ],
    [['doctor', 'x'], "error: maskrcnn doctor takes no argument, got 'x'.\nSee `maskrcnn doctor --help`.\n"],
    [['inspect'], 'error: maskrcnn inspect takes at least one DATA, got none.\nSee `maskrcnn inspect --help`.\n'],
    [['train', 'a', 'b'], "error: maskrcnn train takes one DATA, got 'a', 'b'.\nSee `maskrcnn train --help`.\n"],
    [
      ['predict', 'w'],
      "error: maskrcnn predict takes WEIGHTS and at least one image, got 'w'.\nSee `maskrcnn predict --help`.\n",
    ],
    [['convert', 'a'], "error: maskrcnn convert takes FROM and TO, got 'a'.\nSee `maskrcnn convert --help`.\n"],
    [['report'], 'error: maskrcnn report takes one RUN, got none.\nSee `maskrcnn report --help`.\n'],
    [['setup', '--from'], 'error: --from of maskrcnn setup needs a value: a non-empty string.\n'],
  ];
  for (const [args, err] of cases) t.like(await run(...args), {code: 2, err}, args.join(' '));
});

/** Sets the cache folder until the end of the test. */
function setCacheHome(t: ExecutionContext, folder: string): void {
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = folder;
  t.teardown(() => {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
  });
}

test.serial('a failure ends with code 1 and no stack', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'torch.zip');
  writeFileSync(path, 'not a zip');
  setCacheHome(t, folder);
  const {code, err} = await run('setup', '--from', path);
  t.is(code, 1);
  t.regex(
    err,
    /^error: .*torch\.zip must be a wheel or another zip file: .*\nIt may be truncated: fetch it again\.\n$/,
  );
});

test.serial('a cache that cannot be made ends setup with code 1 and no stack', async (t) => {
  const file = join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  setCacheHome(t, file);
  const {code, err} = await run('setup', '--from', 'x');
  t.is(code, 1);
  t.regex(err, /^error: .*2\.13\.0-cpu could not be written: ENOTDIR: [^\n]*\n[^\n]*XDG_CACHE_HOME[^\n]*\n$/);
});

test('an interrupted command ends with code 130', async (t) => {
  for (const command of ['setup', 'doctor']) {
    const {progress, text} = recordedProgress();
    const code = await runCli([command], {out: () => t.fail(), progress}, AbortSignal.abort());
    t.is(code, 130, command);
    t.is(text(), 'Interrupted.\n');
  }
});

test('an error that is not of the interruption is told, though there was one', async (t) => {
  const {progress, text} = recordedProgress();
  t.is(await runCli(['convert', 'nowhere.pth', 'b.pth', 'c'], {out: () => {}, progress}, AbortSignal.abort()), 2);
  t.regex(text(), /^error: maskrcnn convert takes FROM and TO/);
});

test("Node's own errors for an abort are the interruption, too", (t) => {
  const signal = AbortSignal.abort(new Error('enough'));
  t.true(isInterruption(signal.reason, signal));
  t.true(isInterruption(new Error('aborted', {cause: signal.reason}), signal));
  t.false(isInterruption(new Error('no space'), signal));
  t.false(isInterruption(new Error('no space', {cause: new Error('aborted')}), new AbortController().signal));
});
