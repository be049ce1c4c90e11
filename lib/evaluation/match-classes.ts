import {MaskRcnnError} from '../basics/errors.js';
import type {Detections} from '../model/detections.js';

/** How the classes of a model correspond to those of a data set. */
export type ClassMatch = {
  /** The data set's label for each label of the model; 0 if the data set lacks the class. Item 0 is the background. */
  labels: readonly number[];
  /** What one side has and the other lacks, in sentences. */
  notices: string[];
};

/**
 * Matches classes by name. A model whose classes are numbers ('1', '2', ...) has no names, so its classes are taken in
 * order. Throws INVALID_DATASET if no class is common to both.
 */
export function matchClasses(ofModel: readonly string[], ofData: readonly string[]): ClassMatch {
  const isNumbered = ofModel.every((name, index) => name === String(index + 1));
  const labels = isNumbered
    ? ofModel.map((_, index) => (index < ofData.length ? index + 1 : 0))
    : ofModel.map((name) => ofData.indexOf(name) + 1);
  if (labels.every((label) => label === 0)) {
    throw new MaskRcnnError(
      'INVALID_DATASET',
      `Model and data set must have a class in common, got ${list(ofModel)} and ${list(ofData)}.`,
      {hint: "Name the data set's classes as the model does, with `classes`."},
    );
  }
  const unknown = ofModel.filter((_, index) => labels[index] === 0);
  const missing = ofData.filter((_, index) => !labels.includes(index + 1));
  const notices: string[] = [];
  if (unknown.length > 0) notices.push(`The data set has no class ${list(unknown)}: detections of it are left out.`);
  if (missing.length > 0) notices.push(`The model has no class ${list(missing)}: its objects count as missed.`);
  return {labels: [0, ...labels], notices};
}

/** `detections` with the labels of the data set, without those of classes that it lacks. */
export function relabel(detections: Detections, labels: ClassMatch['labels']): Detections {
  if (labels.every((label, index) => label === index)) return detections;
  const kept = [...detections.labels.keys()].filter((i) => labels[detections.labels[i]!]! > 0);
  return {
    ...detections,
    boxes: Float32Array.from(kept.flatMap((i) => [...detections.boxes.subarray(4 * i, 4 * i + 4)])),
    labels: Int32Array.from(kept, (i) => labels[detections.labels[i]!]!),
    classNames: kept.map((i) => detections.classNames[i]!),
    scores: Float32Array.from(kept, (i) => detections.scores[i]!),
    masks: kept.map((i) => detections.masks[i]!),
  };
}

function list(classes: readonly string[]): string {
  const more = classes.length > 8 ? `, ... (${classes.length} in all)` : '';
  return `'${classes.slice(0, 8).join("', '")}'${more}`;
}
