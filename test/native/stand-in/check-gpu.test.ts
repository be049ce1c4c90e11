import test from 'ava';
import {checkDevice} from '../../../scripts/check-gpu/checks.js';
import {tinyModel} from '../../tiny.js';
import {DEVICE, loadStandIn} from './stand-in.js';

const {binding, standIn} = await loadStandIn();

test('what check:gpu asks of a GPU holds on the stand-in', async (t) => {
  const size = {width: 96, height: 64};
  // float16 takes minutes on a CPU.
  const precisions = ['bfloat16'] as const;
  const {classes: _, ...network} = tinyModel;
  const subject = {binding, device: DEVICE, memory: standIn.memory, network, size, precisions};
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
