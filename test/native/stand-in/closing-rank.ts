// One process of a group of two on the stand-in. Rank 0 closes the group while a call is under way. The argument names
// when. Prints what the call says then. closing.test.ts says what must come of it.
import {setTimeout} from 'node:timers/promises';
import {findPlace} from '../../../lib/distributed/place.js';
import {createTiny} from './models.js';
import {DEVICE, loadStandIn} from './stand-in.js';

const {binding, standIn} = await loadStandIn();
const place = findPlace()!;
const isFirst = place.rank === 0;
const moment = JSON.parse(process.argv[2]!) as 'beginning' | 'connecting' | 'connected';
// Without a handler, the signal would end the process.
const mayEnd = new Promise((resolve) => process.once('SIGUSR2', resolve));
const group = await binding.Group.join({...place, prefix: 'closing', interface: '', timeout: 60, host: 'here'});

async function call(): Promise<unknown> {
  if (moment === 'beginning') {
    await group.useDevice(DEVICE);
    const model = await createTiny(binding, DEVICE);
    standIn.holdOperations(isFirst);
    return model.join(group, {wire: 'float32', syncBatchNorm: false});
  }
  // The operation that connects the processes. It begins, or waits for rank 1.
  standIn.holdOperations(moment === 'connecting' || !isFirst);
  return group.useDevice(DEVICE);
}

function isTime(): boolean {
  const {held, begun} = standIn.operations();
  return moment === 'connected' ? begun > 0 : held > 0;
}

const calling = call().then(String, (error) => error.message);
if (isFirst) {
  while (!isTime()) await setTimeout(20);
  binding.Group.closeAll();
  standIn.holdOperations(false);
}
process.stdout.write(await calling);
// Its end would end what rank 0 may be waiting for. A promise alone does not keep the process.
if (!isFirst) {
  const keep = setInterval(() => {}, 1000);
  await mayEnd;
  clearInterval(keep);
}
