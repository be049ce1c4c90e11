import type {Losses, Model, Seeds} from '../../../binding.js';
import type {Binding} from '../../../lib/addon/binding.js';
import {weightsOf} from '../../distributed/weights.js';
import {batch, SGD} from './models.js';

/** What a training has come to: the losses of its steps, and its weights as in `weightsOf()`. */
export type GroupOutcome = {losses: Losses[]; weights: Record<string, string>};

/** Numbers of images of the steps. With two processes, the second has none of the last batch. */
const BATCHES = [2, 3, 1];

type Batch = ReturnType<typeof batch> & {seeds: Seeds};

/** Takes a step for each batch, whose losses `compute` computes with their gradients. */
export async function trainSteps(
  binding: Binding,
  model: Model,
  compute: (batch: Batch) => Promise<Losses>,
): Promise<Losses[]> {
  const parameters = model.parameters().flatMap(({name, trainable}) => (trainable ? [name] : []));
  const optimizer = new binding.Optimizer(model, {...SGD, groups: [{parameters, lrMultiplier: 1, weightDecay: 0}]});
  const losses: Losses[] = [];
  for (const [step, count] of BATCHES.entries()) {
    const seeds = Array.from({length: count}, (_, i) => 10 * step + i);
    losses.push(await compute({...batch(count, 3 * step), seeds}));
    await optimizer.step({lr: 1e-6, clipNorm: 5});
  }
  return losses;
}

export async function outcomeOf(model: Model, losses: Losses[]): Promise<GroupOutcome> {
  const dict = new Map((await model.stateDict()).map((tensor) => [tensor.name, tensor]));
  return {losses, weights: weightsOf(dict, [])};
}
