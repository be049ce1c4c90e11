import test from 'ava';
import {
  aspectRatioGroups,
  type Dataset,
  type Evaluation,
  type EvaluationDetails,
  evaluate,
  evaluateResults,
  inspect,
  type MaskRcnn,
  split,
  subset,
  train,
  writeEvaluation,
  writeReport,
} from '../../lib/index.js';

const good: Dataset = {length: 4, classes: ['a'], get: () => Promise.reject(new Error('not to be read'))};
const model = {predict: () => {}, classes: ['a']} as unknown as MaskRcnn;
const evaluation = {details: {}} as unknown as Evaluation & {details: EvaluationDetails};

const uses: Record<string, (data: Dataset) => unknown> = {
  'evaluate()': (data) => evaluate(model, {data}),
  'evaluateResults()': (data) => evaluateResults({data, results: 'none.json'}),
  'writeEvaluation()': (data) => writeEvaluation(model, evaluation, {folder: 'none', data}),
  'writeReport()': (data) => writeReport('none', {model, data}),
  'inspect()': (data) => inspect(data),
  'train()': (data) => train(model, {data}),
  'the validation of train()': (data) => train(model, {data: good, validation: data}),
  'split()': (data) => split(data, 0.5),
  'subset()': (data) => subset(data, [0]),
  'aspectRatioGroups()': (data) => aspectRatioGroups(data),
};

const faults: [change: object, message: RegExp][] = [
  [{length: -1}, /^'length' of .* must be an integer >= 0 and <= 4294967295, got -1\.$/],
  [{length: Number.NaN}, /^'length' of .*, got NaN\.$/],
  [{length: 1.5}, /^'length' of .*, got 1\.5\.$/],
  [{length: 2 ** 32}, /^'length' of .*, got 4294967296\.$/],
  [{length: '4'}, /^'length' of .*, got '4'\.$/],
  [{classes: 'a'}, /^'classes' of .* must be an array, each a non-empty string, got 'a'\.$/],
  [{classes: ['a', 2]}, /^'classes' of .*, got \['a', 2\]\.$/],
  [{size: [4, 4]}, /^'size' of .* must be a function, got \[4, 4\]\.$/],
  [{categoryIds: [null]}, /^'categoryIds' of .* must be an array, each an integer, got \[null\]\.$/],
];

for (const [name, use] of Object.entries(uses)) {
  test(`a data set with a bad member is refused by its name: ${name}`, async (t) => {
    for (const [change, message] of faults) {
      const call = async () => use({...good, ...change});
      await t.throwsAsync(call, {code: 'INVALID_DATASET', message}, JSON.stringify(change));
    }
    await t.throwsAsync(async () => use('folder' as never), {code: 'INVALID_OPTION', message: /data set/});
  });
}
