// Trains the tiny network on the stand-in as one process of a group. Prints what it has come to as JSON.
import {findPlace} from '../../../lib/distributed/place.js';
import {type GroupOutcome, outcomeOf, trainSteps} from './group-steps.js';
import {createTiny} from './models.js';
import {DEVICE, loadStandIn} from './stand-in.js';

const {binding} = await loadStandIn();
const place = findPlace()!;
const outcomes: GroupOutcome[] = [];
const group = await binding.Group.join({...place, prefix: 'stand-in', interface: '', timeout: 60, host: 'here'});
await group.useDevice(DEVICE);
for (const options of JSON.parse(process.argv[2]!)) {
  const model = await createTiny(binding, DEVICE, options.model);
  await model.join(group, options.join);
  const losses = await trainSteps(binding, model, ({images, targets, seeds}) => {
    const own = <T>(values: readonly T[]) => values.filter((_, i) => i % place.size === place.rank);
    const how = {lossScale: 1, seeds: own(seeds), completes: true};
    return model.computeShare(own(images), own(targets), how).then((outcome) => outcome.losses);
  });
  outcomes.push(await outcomeOf(model, losses));
  await model.leave();
  model.dispose();
}
process.stdout.write(JSON.stringify(outcomes));
