import test from 'ava';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {checkDataset, type Dataset, type Sample} from '../../lib/datasets/dataset.js';
import {readSample, sizeOfSample, truthOfSample} from '../../lib/datasets/read-sample.js';
import {sourcesOf} from '../../lib/datasets/sources.js';
import {subset} from '../../lib/datasets/subset.js';
import {cocoNames} from '../../lib/evaluation/results-file.js';

const pixels = () => ({data: new Uint8Array(12), width: 2, height: 2});
const instance = () => ({
  label: 1,
  box: [0, 0, 1, 1],
  mask: {left: 0, top: 0, width: 1, height: 1, data: Uint8Array.of(1)},
});

const of = (sample: unknown): Dataset => ({length: 9, classes: ['a'], get: async () => sample as Sample});

test('a sample is what get() resolves to', async (t) => {
  const sample = {file: 'a.png', image: pixels(), instances: [instance()]};
  t.is((await readSample(of(sample), 0)) as unknown, sample);
});

for (const [what, sample, message] of [
  ['null', null, /^Sample 3 of the data set must have a file, an image and instances, got null\./],
  ['nothing', undefined, /must have a file, an image and instances, got undefined/],
  ['an array', [], /must have a file, the name of the image, got undefined/],
  ['no file', {image: pixels(), instances: []}, /a file, the name of the image, got undefined/],
  [
    'a path as image',
    {file: 'a.png', image: 'a.png', instances: []},
    /\(a\.png\) must have an image: .*, got 'a\.png'/,
  ],
  ['an array of pixels', {file: 'a.png', image: {...pixels(), data: [0, 1]}, instances: []}, /image\.data in a Uint8/],
  ['no instances', {file: 'a.png', image: pixels()}, /must have instances, an array, got undefined/],
  ['null among instances', {file: 'a.png', image: pixels(), instances: [instance(), null]}, /instances\[1\], got null/],
  ['no box', {file: 'a.png', image: pixels(), instances: [{...instance(), box: undefined}]}, /at instances\[0\]\.box/],
  [
    'null as a mask',
    {file: 'a.png', image: pixels(), instances: [{...instance(), mask: null}]},
    /a mask .* instances\[0\], got null/,
  ],
  [
    'a mask of an array',
    {file: 'a.png', image: pixels(), instances: [{...instance(), mask: {...instance().mask, data: [1]}}]},
    /a Uint8Array at instances\[0\]\.mask\.data, got \[1\]/,
  ],
] as [string, unknown, RegExp][]) {
  test(`a sample with ${what} is refused, by its number`, async (t) => {
    const error = await t.throwsAsync(readSample(of(sample), 3), {code: 'INVALID_DATASET', message});
    t.regex(error!.message, /^Sample 3 of the data set/);
  });
}

test('pixels that do not fit the size are refused by all who read', async (t) => {
  for (const length of [4, 11, 13]) {
    const image = {...pixels(), data: new Uint8Array(length)};
    const reading = readSample(of({file: 'a.png', image, instances: []}), 0);
    await t.throwsAsync(reading, {code: 'INVALID_IMAGE', message: /^a\.png must have width × height × 3 bytes/});
  }
});

test('true objects, sources and ids of another shape are refused, by the number of the sample', async (t) => {
  const data = of(null);
  for (const [truth, message] of [
    [null, /^truth\(1\) of the data set must have a list of objects, got null/],
    [[{label: 1}], /must have a box at 0, got undefined/],
    [[{label: 1, box: [0, 0, 1, 1], area: 1, mask: null}], /must have a mask \{size, counts\} at 0/],
  ] as const) {
    const asked = truthOfSample({...data, truth: async () => truth as never}, 1);
    await t.throwsAsync(asked, {code: 'INVALID_DATASET', message});
  }
  for (const sources of [null, 'a.png', [1]]) {
    const asked = sourcesOf({...data, sources: () => sources as never}, undefined);
    await t.throwsAsync(asked, {code: 'INVALID_DATASET', message: /^Sample 0 .* it must return paths of files/});
  }
  const same = {...data, imageId: (index: number) => (index === 4 ? 1 : index)};
  t.throws(() => cocoNames(same), {message: /an id of its own, got 1 for 1 and 4\.$/});
  for (const categoryIds of [[1, 2], []]) {
    t.throws(() => checkDataset({...data, categoryIds}), {
      message: /'categoryIds' of the data set must be different ids/,
    });
  }
});

const failing = (error: unknown): Dataset => ({length: 9, classes: ['a'], get: () => Promise.reject(error)});

for (const [what, cause, expected] of [
  [
    'a defect',
    new TypeError('files is undefined.\nmore'),
    {code: 'INVALID_DATASET', message: 'Sample 3 of the data set: get(3) threw TypeError: files is undefined.'},
  ],
  ['no message', new Error(), {code: 'INVALID_DATASET', message: 'Sample 3 of the data set: get(3) threw Error.'}],
  ['no error', 'torn', {code: 'INVALID_DATASET', message: "Sample 3 of the data set: get(3) threw 'torn'."}],
  [
    'an error of the system',
    Object.assign(new Error("ENOENT: no such file, open 'a.png'"), {syscall: 'open', path: 'a.png'}),
    {
      code: 'INVALID_IMAGE',
      file: 'a.png',
      message: "Sample 3 of the data set: get(3) threw Error: ENOENT: no such file, open 'a.png'.",
    },
  ],
  [
    'an error of this package without a file',
    new MaskRcnnError('INVALID_MASK', 'The mask must be a PNG.', {hint: 'Save it as one.'}),
    {
      code: 'INVALID_MASK',
      hint: 'Save it as one.',
      message: 'Sample 3 of the data set: The mask must be a PNG.\nSave it as one.',
    },
  ],
] as [string, unknown, object][]) {
  test(`what get() throws names the sample, and is kept as the cause: ${what}`, async (t) => {
    const error = (await t.throwsAsync(readSample(failing(cause), 3), {instanceOf: MaskRcnnError}))!;
    t.like(error, expected);
    t.is(error.cause, cause);
  });
}

test('what get() throws at once is no different from a rejection', async (t) => {
  const data = {
    ...failing(undefined),
    get: () => {
      throw new TypeError('at once');
    },
  };
  await t.throwsAsync(readSample(data, 0), {code: 'INVALID_DATASET', message: /^Sample 0 .* TypeError: at once\.$/});
});

test('an error that names its file stays as it is', async (t) => {
  const torn = new MaskRcnnError('INVALID_IMAGE', 'a.png is torn.', {file: 'a.png'});
  t.is(await t.throwsAsync(readSample(failing(torn), 3)), torn);
});

test('an aborted signal is the reason for what get() throws', async (t) => {
  const reason = new Error('enough');
  t.is(await t.throwsAsync(readSample(failing(new Error('aborted')), 3, AbortSignal.abort(reason))), reason);
});

test('a sample of a subset is named by its number in the whole', async (t) => {
  for (const data of [failing(new Error('torn')), of(null)]) {
    const part = subset(subset(data, [2, 4, 6, 8]), [1, 3]);
    await t.throwsAsync(readSample(part, 1), {
      code: 'INVALID_DATASET',
      message: /^Sample 8 of the data set(: get\(8\)| )/,
    });
  }
});

test('what the other members throw names the sample, too', async (t) => {
  const fail = () => {
    throw new Error('no connection');
  };
  const data: Dataset = {...of(null), size: fail, truth: fail, sources: fail};
  const threw = (call: string) => `Sample 2 of the data set: ${call}(2) threw Error: no connection.`;
  await t.throwsAsync(sizeOfSample(data, 2), {code: 'INVALID_DATASET', message: threw('size')});
  await t.throwsAsync(truthOfSample(data, 2), {code: 'INVALID_DATASET', message: threw('truth')});
  await t.throwsAsync(sourcesOf(data, undefined), {
    code: 'INVALID_DATASET',
    message: /^Sample 0 .*: sources\(0\) threw/,
  });
});
