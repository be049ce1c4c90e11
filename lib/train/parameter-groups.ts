import type {NativeOptimizerOptions, ParameterGroup, ParameterInfo} from '../../binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {closest} from '../basics/wording.js';
import type {ResolvedTrainOptions} from './options.js';

/** The backbone without its feature pyramid. */
const BODY = 'backbone.body.';

/**
 * The names of the parameters to train: all trainable ones except those that `freeze` excludes. An item of `freeze` is
 * a name, or a prefix of names up to a dot. Throws INVALID_OPTION if an item matches no parameter or if no parameter is
 * left.
 */
export function trainedNames(parameters: readonly ParameterInfo[], freeze: readonly string[]): string[] {
  const own = parameters.filter(({kind}) => kind === 'parameter');
  const covers = (item: string, name: string) => name === item || name.startsWith(`${item.replace(/\.$/, '')}.`);
  for (const item of freeze) {
    if (own.some(({name}) => covers(item, name))) continue;
    const near = closest(item, beginnings(own));
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option 'freeze' of train() must name parameters of the model, got '${item}'.`,
      {hint: near === undefined ? `They begin with ${sections(own).join(', ')}.` : `Did you mean '${near}'?`},
    );
  }
  const trained = own.filter(({name, trainable}) => trainable && !freeze.some((item) => covers(item, name)));
  if (trained.length === 0) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      "Option 'freeze' of train() must leave parameters to train, got all of them.",
    );
  }
  return trained.map(({name}) => name);
}

/** The first two parts of all names. */
function sections(parameters: readonly ParameterInfo[]): string[] {
  return [...new Set(parameters.map(({name}) => name.split('.').slice(0, 2).join('.')))];
}

/** All names, and all their prefixes up to a dot. */
function beginnings(parameters: readonly ParameterInfo[]): string[] {
  const all = new Set<string>();
  for (const {name} of parameters) {
    const parts = name.split('.');
    for (let length = 1; length <= parts.length; length++) all.add(parts.slice(0, length).join('.'));
  }
  return [...all];
}

/** The addon's optimizer options for the trainable ones of `parameters`, grouped by learning rate and weight decay. */
export function toNativeOptimizer(
  {optimizer, backboneLrMultiplier}: Pick<ResolvedTrainOptions, 'optimizer' | 'backboneLrMultiplier'>,
  parameters: readonly ParameterInfo[],
): NativeOptimizerOptions {
  const {weightDecay, normWeightDecay, ...algorithm} = optimizer;
  const groups: ParameterGroup[] = [];
  for (const {name, shape, trainable} of parameters) {
    if (!trainable) continue;
    const lrMultiplier = name.startsWith(BODY) ? backboneLrMultiplier : 1;
    // Weights have at least two dimensions; scales, shifts and biases have one.
    const decay = shape.length > 1 ? weightDecay : normWeightDecay;
    const group = groups.find((other) => other.lrMultiplier === lrMultiplier && other.weightDecay === decay);
    if (group) group.parameters.push(name);
    else groups.push({parameters: [name], lrMultiplier, weightDecay: decay});
  }
  return {...algorithm, groups};
}
