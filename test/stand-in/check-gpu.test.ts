import test from 'ava';
import {checkDevice} from '../../scripts/check-gpu/checks.js';
import {DEVICE, loadStandIn} from './stand-in.js';

const {binding, standIn} = await loadStandIn();

test('what check:gpu asks of a GPU holds on the stand-in', async (t) => {
  const subject = {binding, device: DEVICE, memory: standIn.memory, size: {width: 96, height: 64}};
  const wrong: string[] = [];
  let checks = 0;
  for await (const {name, isRight, detail} of checkDevice(subject)) {
    checks++;
    t.log(`${name}: ${detail}`);
    if (!isRight) wrong.push(name);
  }
  t.true(checks > 50);
  t.deepEqual(wrong, []);
});
