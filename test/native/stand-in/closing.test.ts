import test from 'ava';
import {freePort, startRanks} from '../../distributed/ranks.js';
import {loadStandIn} from './stand-in.js';

test.serial('a group that two threads close at the same time is taken apart once', async (t) => {
  const {standIn} = await loadStandIn();
  const port = await freePort();
  t.notThrows(() => standIn.closeTwice(port));
});

test.serial('a backend is kept while an operation of it begins, though its group is closed', async (t) => {
  const ranks = await startRanks('test/native/stand-in/closing-rank.ts', 2, null);
  const [first, second] = await Promise.all(ranks.map(({ended}) => ended));
  t.is(first!.code, 0, first!.err);
  t.is(first!.out, 'The group is closed.');
  t.regex(second!.out, /^Rank 0 \(here, process \d+\) has ended without a word/);
});
