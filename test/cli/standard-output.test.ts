import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync} from 'node:fs';
import {open} from 'node:fs/promises';
import test from 'ava';
import {nodeArguments} from '../program.js';

const help = [...nodeArguments('lib/cli/main.ts'), '--help'];

test('results that do not fit on a disk are told of, and end the command with code 1', async (t) => {
  if (!existsSync('/dev/full')) return void t.log('skipped: this system has no /dev/full');
  const full = await open('/dev/full', 'w');
  const child = spawn(process.execPath, help, {stdio: ['ignore', full.fd, 'pipe']});
  let said = '';
  child.stderr!.on('data', (chunk) => (said += chunk));
  t.deepEqual(await once(child, 'close'), [1, null]);
  await full.close();
  t.is(said.split('\n').length, 2, said);
  t.regex(said, /^error: Results could not be written to the standard output: ENOSPC.*\.\n$/);
});

test('results that nobody reads any more are no error', async (t) => {
  const child = spawn(process.execPath, help, {stdio: ['ignore', 'pipe', 'pipe']});
  child.stdout!.destroy();
  let said = '';
  child.stderr!.on('data', (chunk) => (said += chunk));
  t.deepEqual([...(await once(child, 'close')), said], [0, null, '']);
});
