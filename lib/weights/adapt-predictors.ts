import type {StateTensor} from '../../binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import {toFloat32} from './float-tensor.js';
import {elementCount, type StateDict} from './state-dict.js';

/** The layers with outputs per class, and how many each class has: torchvision's FastRCNNPredictor, MaskRCNNPredictor. */
const predictors: readonly [string, number][] = [
  ['roi_heads.box_predictor.cls_score', 1],
  ['roi_heads.box_predictor.bbox_pred', 4],
  ['roi_heads.mask_predictor.mask_fcn_logits', 1],
];
const background = '__background__';

export type AdaptPredictorsOptions = {
  /** The classes of the checkpoint, from label 1 on; undefined where it does not say. */
  fromClasses: readonly string[] | undefined;
  /** The classes of the model, from label 1 on. */
  toClasses: readonly string[];
  /** The model's own tensors, with their initial values: at least those of its predictors. */
  initial: StateDict;
};

export type AdaptedPredictors = {
  tensors: StateDict;
  /** Predictor tensors taken from the checkpoint as they are. */
  kept: string[];
  /** Predictor tensors that begin anew, but for the rows of `copiedClasses`. */
  replaced: string[];
  /** Classes of both lists, whose rows were copied. */
  copiedClasses: string[];
};

/**
 * Makes a detector's checkpoint fit a model with other classes. Where the class lists differ, the outputs per class
 * (`cls_score`, `bbox_pred`, `mask_fcn_logits`) begin with the model's initial values; a class that both lists name keeps
 * what the checkpoint has learnt of it, and the background then does too.
 *
 * torchvision's tutorial replaces `mask_predictor.conv5_mask` as well. It has no outputs per class and is kept here: what
 * it has learnt serves other classes too.
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
      `${layer}.weight has ${found} rows, expected ${from.length * perClass} for the ${from.length - 1} classes of the weights and the background.`,
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

/** Labels of the classes in both lists, in the first and in the second; the background first, if any class is shared. */
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
  // Of another width they are another network's: the strict check that follows says so.
  if (elementCount(learnt.shape.slice(1)) * perClass !== width) return learnt;
  for (const [from, to] of rows) target.set(source.subarray(from * width, (from + 1) * width), to * width);
  return {name: own.name, dtype: 'float32', shape: own.shape, data: new Uint8Array(target.buffer)};
}

/** Whether the predictors in `dict` are the model's without a change. */
export function servesAsIs(
  dict: StateDict,
  {fromClasses: from, toClasses: to}: Pick<AdaptPredictorsOptions, 'fromClasses' | 'toClasses'>,
): boolean {
  if (from !== undefined) return from.length === to.length && from.every((name, index) => name === to[index]);
  // Without names, as many classes as the model has are taken for the model's.
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
