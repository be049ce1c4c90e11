import {rm} from 'node:fs/promises';
import test from 'ava';
import {temporaryFolder} from '../examples/run-example.js';
import {killAtRandom} from './kills.js';

test('processes that are killed or stopped at random times go on from the last state, to the same weights', async (t) => {
  const folder = await temporaryFolder();
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  // `npm run check:kills` does it a hundred times.
  const {kills, finished, faults} = await killAtRandom(folder, {kills: 3, size: 2, seed: 3, stops: 0.5});
  t.deepEqual(faults, []);
  t.is(kills.length, 3);
  t.true(finished > 0);
});
