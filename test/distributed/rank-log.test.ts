import {readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {RankLog} from '../../lib/distributed/rank-log.js';
import {temporaryFolder} from '../examples/run-example.js';

test('a log keeps what was written before its folder was known', async (t) => {
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  const log = new RankLog(1);
  log.write('one\n');
  await log.openIn(folder);
  log.write('two\n');
  await log.close();
  t.is(await readFile(join(folder, 'ranks', 'rank-1.log'), 'utf8'), 'one\ntwo\n');
});

test('a log that cannot be written does not end the run', async (t) => {
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  await writeFile(join(folder, 'ranks'), 'no folder');
  const log = new RankLog(1);
  log.write('one\n');
  await t.notThrowsAsync(log.openIn(folder));
  log.write('two\n');
  await log.close();
  t.is(await readFile(join(folder, 'ranks'), 'utf8'), 'no folder');
});
