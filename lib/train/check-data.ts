import {MaskRcnnError} from '../basics/errors.js';
import type {Dataset} from '../datasets/dataset.js';
import type {ProcessGroup} from '../distributed/process-group.js';
import {type MaskRcnn, openModel} from '../model/model.js';
import type {TrainOptions} from './options.js';

/** A model with numbered classes accepts any class names. */
export function checkClasses(model: MaskRcnn, {classes, length}: Dataset, option: 'data' | 'validation'): void {
  openModel(model);
  if (length === 0) throw new MaskRcnnError('INVALID_DATASET', `'${option}' must have at least one image, got none.`);
  const isNumbered = model.classes.every((name, index) => name === String(index + 1));
  const fits = isNumbered || classes.every((name, index) => name === model.classes[index]);
  if (fits && classes.length === model.classes.length) return;
  throw new MaskRcnnError(
    'INVALID_DATASET',
    `'${option}' must have the model's classes ${list(model.classes)}, in this order, got ${list(classes)}.`,
    {
      hint:
        option === 'data'
          ? 'Make the model with maskRcnn({classes: data.classes}).'
          : 'Open both data sets with the same `classes`, in the same order.',
    },
  );
}

/** Throws INVALID_DATASET if the processes have opened different data. */
export async function requireSameData(group: ProcessGroup, {data, validation}: TrainOptions): Promise<void> {
  const describe = (set: Dataset | undefined) =>
    set === undefined ? 'none' : `${set.length} images of ${list(set.classes)}`;
  for (const [name, own] of [['data', describe(data)] as const, ['validation', describe(validation)] as const]) {
    const all = await group.gather(own);
    const other = all.findIndex((each) => each !== all[0]);
    if (other < 0) continue;
    throw new MaskRcnnError(
      'INVALID_DATASET',
      `'${name}' must be the same in all processes, but rank 0 has ${all[0]} and rank ${other} has ${all[other]}.`,
    );
  }
}

function list(classes: readonly string[]): string {
  const more = classes.length > 8 ? `, ... ${classes.length} in all` : '';
  return `[${classes.slice(0, 8).join(', ')}${more}]`;
}
