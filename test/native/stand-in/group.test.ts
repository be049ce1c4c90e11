import {isDeepStrictEqual} from 'node:util';
import test from 'ava';
import {loadBinding} from '../../../lib/addon/binding.js';
import {runRanks} from '../../distributed/ranks.js';
import {difference} from '../../distributed/weights.js';
import {halfBackbone} from '../../tiny.js';
import {type GroupOutcome, outcomeOf, trainSteps} from './group-steps.js';
import {createTiny} from './models.js';

// What a group does with GPUs, on the stand-in: its backend is Gloo, where that of GPUs is NCCL.

const RUNS = [
  {model: {...halfBackbone, backboneNorm: 'frozen'}, join: {wire: 'float32', syncBatchNorm: false}},
  {model: {...halfBackbone, backboneNorm: 'batch', version: 2}, join: {wire: 'float32', syncBatchNorm: true}},
] as const;

let ranks: GroupOutcome[][];
test.before(async () => {
  ranks = await runRanks('test/native/stand-in/group-rank.ts', 2, RUNS);
});

for (const [i, {model: options, join}] of RUNS.entries()) {
  const norms = join.syncBatchNorm ? 'norms over all processes' : 'frozen norms';
  test(`two processes with a device each train as one on the CPU, with ${norms}`, async (t) => {
    const binding = await loadBinding();
    const model = await createTiny(binding, 'cpu', options);
    const losses = await trainSteps(binding, model, ({images, targets, seeds}) =>
      model.computeLosses(images, targets, {backward: true, lossScale: 1, seeds}),
    );
    const one = await outcomeOf(model, losses);
    const [first, second] = ranks.map((outcomes) => outcomes[i]!);
    t.true(isDeepStrictEqual(second, first), 'the processes differ');
    for (const [step, values] of one.losses.entries()) {
      for (const [name, loss] of Object.entries(values)) {
        const off = Math.abs(first!.losses[step]![name as keyof typeof values] - loss) / (1 + loss);
        t.true(off < 1e-5, `${name} of step ${step} differs by ${off}`);
      }
    }
    const {most, largest} = difference(first!.weights, one.weights);
    t.true(most < 1e-6 * largest, `weights differ by ${most} of ${largest}`);
  });
}
