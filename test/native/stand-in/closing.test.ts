import test from 'ava';
import {freePort, startRanks} from '../../distributed/ranks.js';
import {loadStandIn} from './stand-in.js';

/** The seconds that a process may take. Its group would wait for a minute. */
const SOON = 30;

const HAS_LEFT = /^Rank 0 \(here, process \d+\) has failed: it has left the group while an operation was under way$/;

test.serial('a group that two threads close at the same time is taken apart once', async (t) => {
  const {standIn} = await loadStandIn();
  const port = await freePort();
  t.notThrows(() => standIn.closeTwice(port));
});

test.serial('a group is closed in peace after an operation that has just ended', async (t) => {
  const {standIn} = await loadStandIn();
  t.is(standIn.closeAfterEnd(await freePort()), '');
});

test.serial('a group that is closed while an operation on the CPU begins tells the others', async (t) => {
  const {standIn} = await loadStandIn();
  t.regex(standIn.closeWhileBeginning(await freePort()), HAS_LEFT);
});

for (const [moment, what] of [
  ['beginning', 'an operation on the device begins'],
  ['connecting', 'the processes connect their devices'],
  ['connected', 'the operation that connects the devices waits'],
]) {
  test.serial(`a group that is closed while ${what} tells the others, and its process ends`, async (t) => {
    const began = performance.now();
    const [first, second] = await startRanks('test/native/stand-in/closing-rank.ts', 2, moment);
    const {code, out, err} = await first!.ended;
    const seconds = (performance.now() - began) / 1000;
    second!.child.kill('SIGUSR2');
    t.is(code, 0, err);
    t.is(out, 'The group is closed.');
    t.true(seconds < SOON, `${seconds} s`);
    t.regex((await second!.ended).out, HAS_LEFT);
  });
}
