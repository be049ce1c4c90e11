// One process of a group of two on the stand-in. Rank 0 closes the group while an operation on the device begins.
import {setTimeout} from 'node:timers/promises';
import {findPlace} from '../../../lib/distributed/place.js';
import {createTiny} from './models.js';
import {DEVICE, loadStandIn} from './stand-in.js';

const {binding, standIn} = await loadStandIn();
const place = findPlace()!;
const group = await binding.Group.join({...place, prefix: 'closing', interface: '', timeout: 60, host: 'here'});
await group.useDevice(DEVICE);
const model = await createTiny(binding, DEVICE);
if (place.rank === 0) standIn.delayOperations(1500);
const joining = model.join(group, {wire: 'float32', syncBatchNorm: false});
joining.catch(() => {});
if (place.rank === 0) {
  await setTimeout(500);
  binding.Group.closeAll();
}
process.stdout.write(await joining.then(String, (error) => error.message));
