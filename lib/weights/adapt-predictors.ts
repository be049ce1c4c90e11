import type {StateTensor} from '../../binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {count} from '../basics/wording.js';
import {toFloat32} from './float-tensor.js';
import {elementCount, type StateDict} from './state-dict.js';

/**
 * The layers with outputs for each class, and the number of outputs per class: torchvision's FastRCNNPredictor and
 * MaskRCNNPredictor.
 */
const predictors: readonly [string, number][] = [
  ['roi_heads.box_predictor.cls_score', 1],
  ['roi_heads.box_predictor.bbox_pred', 4],
  ['roi_heads.mask_predictor.mask_fcn_logits', 1],
];
const background = '__background__';

export type AdaptPredictorsOptions = {
  /** The classes of the checkpoint, starting with label 1. Undefined if the checkpoint does not name them. */
  fromClasses: readonly string[] | undefined;
  /** The classes of the model, starting with label 1. */
  toClasses: readonly string[];
  /** The model's tensors with their initial values, at least those of its predictors. */
  initial: StateDict;
};

export type AdaptedPredictors = {
  tensors: StateDict;
  /** Predictor tensors that are taken from the checkpoint unchanged. */
  kept: string[];
  /** Predictor tensors that start from initial values, except for the rows of `copiedClasses`. */
  replaced: string[];
  /** Classes in both lists, whose rows were copied. */
  copiedClasses: string[];
};

/**
 * Adapts the checkpoint of a detector to a model with other classes. If the class lists differ, the outputs for each
 * class (`cls_score`, `bbox_pred`, `mask_fcn_logits`) start from the model's initial values. A class that is in both
 * lists keeps the rows that the checkpoint has learnt, and then the background keeps its rows too.
 *
 * torchvision's tutorial replaces `mask_predictor.conv5_mask` as well. It is kept here, because it has no outputs for
 * each class, and what it has learnt serves other classes too.
 */
export function adaptPredictors(
  dict: StateDict,
  {fromClasses, toClasses, initial}: AdaptPredictorsOptions,
): AdaptedPredictors {
  const names = namesIn(dict);
  if (servesAsIs(dict, {fromClasses, toClasses})) {
    return {tensors: dict, kept: names, replaced: [], copiedClasses: []};
  }
  const from = fromClasses && withBackground(fromClasses);
  const to = withBackground(toClasses);

  for (const [layer, perClass] of predictors) {
    const found = dict.get(`${layer}.weight`)?.shape[0];
    if (from === undefined || found === undefined || found === from.length * perClass) continue;
    throw new MaskRcnnError(
      'STATE_DICT_MISMATCH',
      `${layer}.weight has ${count(found, 'row')}, expected ${from.length * perClass} for the ${count(from.length - 1, 'class', 'classes')} of the weights and the background.`,
    );
  }
  const rows = sharedRows(from ?? [], to);
  const tensors = new Map(dict);
  for (const [layer, perClass] of predictors) {
    for (const name of [`${layer}.weight`, `${layer}.bias`]) {
      const own = initial.get(name);
      const learnt = dict.get(name);
      if (own !== undefined && learnt !== undefined) tensors.set(name, copyRows(learnt, own, rows, perClass));
    }
  }
  return {tensors, kept: [], replaced: names, copiedClasses: rows.map(([, label]) => to[label]!).slice(1)};
}

/**
 * The pairs of labels (in the first list, in the second list) of the classes that both lists contain. The background
 * comes first. Empty if no other class is shared.
 */
function sharedRows(from: readonly string[], to: readonly string[]): [number, number][] {
  const rows: [number, number][] = [];
  for (const [label, name] of to.entries()) {
    const fromLabel = name === 'N/A' ? -1 : from.indexOf(name);
    if (fromLabel >= 0) rows.push([fromLabel, label]);
  }
  return rows.length > 1 ? rows : [];
}

function copyRows(
  learnt: StateTensor,
  own: StateTensor,
  rows: readonly [number, number][],
  perClass: number,
): StateTensor {
  const source = toFloat32(learnt);
  const target = Float32Array.from(toFloat32(own));
  const width = elementCount(own.shape.slice(1)) * perClass;
  // Rows of another width belong to another network. The strict check that follows reports it.
  if (elementCount(learnt.shape.slice(1)) * perClass !== width) return learnt;
  for (const [from, to] of rows) target.set(source.subarray(from * width, (from + 1) * width), to * width);
  return {name: own.name, dtype: 'float32', shape: own.shape, data: new Uint8Array(target.buffer)};
}

/** Whether the predictors in `dict` fit the model unchanged. */
export function servesAsIs(
  dict: StateDict,
  {fromClasses: from, toClasses: to}: Pick<AdaptPredictorsOptions, 'fromClasses' | 'toClasses'>,
): boolean {
  if (from !== undefined) return from.length === to.length && from.every((name, index) => name === to[index]);
  // Without names, the classes count as the model's if their number is the same.
  const count = withBackground(to).length;
  return predictors.every(([layer, perClass]) =>
    ['weight', 'bias'].every((kind) => {
      const rows = dict.get(`${layer}.${kind}`)?.shape[0];
      return rows === undefined || rows === count * perClass;
    }),
  );
}

function namesIn(dict: StateDict): string[] {
  return predictors.flatMap(([layer]) => [`${layer}.weight`, `${layer}.bias`]).filter((name) => dict.has(name));
}

function withBackground(classes: readonly string[]): readonly string[] {
  return classes[0] === background ? classes : [background, ...classes];
}
