import type {Rule} from '../basics/schema.js';
import type {Dataset} from './dataset.js';

/** A `Dataset`, this package's or the user's own. */
export const datasetRule: Rule = {
  expected: 'a data set (length, classes, get)',
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    ['length', 'classes', 'get'].every((member) => member in value) &&
    typeof (value as Dataset).get === 'function',
};
