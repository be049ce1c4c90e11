import {readFile} from 'node:fs/promises';
import test from 'ava';
import {scalingTable} from '../../scripts/scaling-model.js';

test('the table of scaling in the guide is that of the script', async (t) => {
  const guide = await readFile(new URL('../../docs/distributed.md', import.meta.url), 'utf8');
  t.true(guide.includes(`\n${scalingTable()}\n`));
});
