import type {BackboneName, ParameterInfo} from '../../binding.js';
import {fitBatchCounters} from './rename-old-keys.js';
import {requireMatchingStateDict, type StateDict, withName} from './state-dict.js';

const body = 'backbone.body.';

export type BackboneStateDict = {
  /** The tensors of the body under the names that the detector uses: a part of its state dict. */
  tensors: StateDict;
  /**
   * Names that were left out: the classifier, stages after the last one that feeds the FPN, and counters of frozen
   * batch norm.
   */
  ignored: string[];
};

/**
 * Renames the weights of an ImageNet classifier of torchvision to the names of a detector's body: `layer1.*` of a
 * ResNet becomes `backbone.body.layer1.*`, `features.0.*` of a MobileNet becomes `backbone.body.0.*`. Otherwise, names
 * and shapes must match the body exactly, else STATE_DICT_MISMATCH is thrown.
 */
export function toBackboneStateDict(
  dict: StateDict,
  {
    backbone,
    parameters,
    source = 'the backbone checkpoint',
  }: {
    backbone: BackboneName;
    parameters: readonly ParameterInfo[];
    /** Name of the dict in messages: its file. */
    source?: string;
  },
): BackboneStateDict {
  const prefix = backbone.startsWith('mobilenet') ? 'features.' : '';
  const classifier = backbone.startsWith('mobilenet') ? 'classifier.' : 'fc.';
  const bodyParameters = parameters.filter(({name}) => name.startsWith(body));
  const stages = new Set(bodyParameters.map(({name}) => firstSegment(name.slice(body.length))));

  const ignored: string[] = [];
  const renamed: StateDict = new Map();
  for (const [name, tensor] of dict) {
    const inBody = name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
    if (name.startsWith(classifier) || (inBody !== undefined && isUnusedStage(firstSegment(inBody), stages))) {
      ignored.push(name);
      continue;
    }
    const newName = inBody === undefined ? name : body + inBody;
    renamed.set(newName, withName(tensor, newName));
  }
  const {tensors, dropped} = fitBatchCounters(renamed, new Set(bodyParameters.map(({name}) => name)));
  const isDetector = [...dict.keys()].some((name) => name.startsWith(body));
  requireMatchingStateDict(tensors, bodyParameters, {
    source,
    hint: isDetector
      ? 'It holds a whole detector: give it as `weights` instead.'
      : `Expected the state dict of torchvision.models.${backbone}.`,
  });
  return {tensors, ignored: [...ignored, ...dropped.map((name) => prefix + name.slice(body.length))]};
}

/** torchvision's IntermediateLayerGetter leaves out stages after the last one that it returns. */
function isUnusedStage(segment: string, stages: ReadonlySet<string>): boolean {
  return /^(layer[1-4]|\d+)$/.test(segment) && !stages.has(segment);
}

function firstSegment(name: string): string {
  return name.slice(0, name.indexOf('.'));
}
