import type {Dataset} from './datasets/sample.js';
import type {Rule} from './options-check.js';

/** A `Dataset`, this package's or the user's own. */
export const datasetRule: Rule = {
  expected: 'a data set (length, classes, get)',
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    ['length', 'classes', 'get'].every((member) => member in value) &&
    typeof (value as Dataset).get === 'function',
};
