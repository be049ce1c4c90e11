import type {ParameterInfo} from '../../binding.js';
import {type StateDict, withName} from './state-dict.js';

/**
 * Names that torchvision no longer uses (`_load_from_state_dict` with `_version` below 2), and their replacements:
 * `rpn.py` RPNHead, `mask_rcnn.py` MaskRCNNHeads, `ops/feature_pyramid_network.py` FeaturePyramidNetwork.
 */
const renames: readonly [RegExp, (...groups: string[]) => string][] = [
  [/^rpn\.head\.conv\.(weight|bias)$/, (leaf) => `rpn.head.conv.0.0.${leaf}`],
  [
    /^roi_heads\.mask_head\.mask_fcn([1-9]\d*)\.(weight|bias)$/,
    (layer, leaf) => `roi_heads.mask_head.${Number(layer) - 1}.0.${leaf}`,
  ],
  [
    /^backbone\.fpn\.(inner|layer)_blocks\.(\d+)\.(weight|bias)$/,
    (blocks, level, leaf) => `backbone.fpn.${blocks}_blocks.${level}.0.${leaf}`,
  ],
];

export type RenamedKeys = {
  tensors: StateDict;
  /** Pairs of old and new names. */
  renamed: [string, string][];
  /** Dropped counters: those of batch norm layers that are frozen in the model. */
  dropped: string[];
  /**
   * Added counters with the value 0: those of batch norm layers that were frozen in the file, or that are older than
   * PyTorch 0.4.1.
   */
  added: string[];
};

/**
 * Renames the tensors of an old detector checkpoint to the names of the model, as torchvision does when it loads one.
 * Old and new names never coincide, so the names alone tell which they are. Current checkpoints are not changed.
 */
export function renameOldKeys(dict: StateDict, parameters: readonly Pick<ParameterInfo, 'name'>[]): RenamedKeys {
  const renamed: [string, string][] = [];
  const current: StateDict = new Map();
  for (const [name, tensor] of dict) {
    const newName = rename(name);
    if (newName !== name) renamed.push([name, newName]);
    current.set(newName, withName(tensor, newName));
  }
  return {renamed, ...fitBatchCounters(current, new Set(parameters.map(({name}) => name)))};
}

const counter = 'num_batches_tracked';

/** Drops or adds `num_batches_tracked`, as the model needs it. Frozen batch norm does not have it. */
export function fitBatchCounters(
  dict: StateDict,
  modelNames: ReadonlySet<string>,
): {tensors: StateDict; dropped: string[]; added: string[]} {
  const tensors: StateDict = new Map();
  const dropped: string[] = [];
  const added: string[] = [];
  for (const [name, tensor] of dict) {
    const layer = name.slice(0, name.lastIndexOf('.') + 1);
    const isOfFrozenNorm = modelNames.has(`${layer}running_mean`) && !modelNames.has(name);
    if (name.endsWith(`.${counter}`) && isOfFrozenNorm) {
      dropped.push(name);
      continue;
    }
    tensors.set(name, tensor);
    const counterName = layer + counter;
    if (name.endsWith('.running_var') && modelNames.has(counterName) && !dict.has(counterName)) {
      added.push(counterName);
      tensors.set(counterName, {name: counterName, dtype: 'int64', shape: [], data: new Uint8Array(8)});
    }
  }
  return {tensors, dropped, added};
}

function rename(name: string): string {
  for (const [pattern, newName] of renames) {
    const match = pattern.exec(name);
    if (match !== null) return newName(...match.slice(1));
  }
  return name;
}
