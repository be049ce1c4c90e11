import {distributedOptions} from '../distributed/options.js';
import type {ProcessGroup} from '../distributed/process-group.js';
import {ofProgram, requireSame} from '../distributed/same.js';
import type {MaskRcnn} from '../model/model.js';
import type {ResolvedTrainOptions, TrainOptions} from './options.js';

/** Throws INVALID_OPTION if processes would compute different things. What only concerns one of them may differ. */
export async function requireSameOptions(
  group: ProcessGroup,
  model: MaskRcnn,
  {distributed}: TrainOptions,
  resolved: ResolvedTrainOptions,
): Promise<void> {
  // Norms over all processes also exchange when they are computed again, so `activationCheckpointing` must not differ.
  const {prefetch: _, saveEvery: __, saveEveryMinutes: ___, ...others} = resolved;
  const {gradients = 'float32'} = distributedOptions(distributed);
  const compared = {...others, gradients};
  const named = Object.entries(compared).map(([name, value]) => [`Option '${name}' of train()`, value]);
  await requireSame(group, {...Object.fromEntries(named), ...(await ofProgram(model.options))});
}
