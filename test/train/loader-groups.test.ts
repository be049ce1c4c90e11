import test from 'ava';
import fc from 'fast-check';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import type {Dataset, Sample} from '../../lib/datasets/dataset.js';
import {aspectRatioGroups} from '../../lib/train/aspect-ratio-groups.js';
import {createLoader} from '../../lib/train/loader.js';

function sized(sizes: readonly (readonly [width: number, height: number])[]): Dataset {
  return {
    length: sizes.length,
    classes: ['thing'],
    get: async (index): Promise<Sample> => {
      const [width, height] = sizes[index]!;
      return {file: `${index}`, image: {data: new Uint8Array(width * height * 3), width, height}, instances: []};
    },
  };
}

test('a batch has samples of one group only, and an epoch every sample once', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({min: 0, max: 3}), {minLength: 1, maxLength: 40}),
      fc.integer({min: 1, max: 5}),
      (groups, size) => {
        const loader = createLoader(sized(groups.map(() => [1, 1])), {batchSize: size, groups, seed: 4});
        const batches = loader.batches(2);
        return (
          batches.length === loader.length &&
          batches.every((batch) => new Set(batch.map((index) => groups[index])).size === 1 && batch.length <= size) &&
          batches
            .flat()
            .sort((a, b) => a - b)
            .every((index, i) => index === i)
        );
      },
    ),
  );
  t.pass();
});

test('each epoch has as many batches, in an order of its own', (t) => {
  const groups = [0, 1, 0, 1, 0, 1, 1, 0, 0];
  const loader = createLoader(sized(groups.map(() => [1, 1])), {batchSize: 2, groups, seed: 4});
  t.is(loader.length, 5);
  t.notDeepEqual(loader.batches(0), loader.batches(1));
  t.deepEqual(loader.batches(1), loader.batches(1));
  t.is(
    createLoader(
      sized([
        [1, 1],
        [1, 1],
        [1, 1],
      ]),
      {batchSize: 2, groups: [0, 1, 0], dropLast: true},
    ).length,
    1,
  );
});

test('groups of another number than the samples are refused', (t) => {
  t.throws(() => createLoader(sized([[1, 1]]), {batchSize: 1, groups: [0, 1]}), {
    code: 'INVALID_OPTION',
    message: "Option 'groups' of createLoader must have a number for each of the 1 samples, got 2.",
  });
});

test("the groups of width / height are torchvision's", async (t) => {
  // create_aspect_ratio_groups(k=3) bins with bisect_right over 2 ** linspace(-1, 1, 7): 0.5, 0.63, 0.79, 1, 1.26,
  // 1.59, 2.
  const sizes = [
    [40, 100],
    [50, 100],
    [60, 100],
    [70, 100],
    [90, 100],
    [100, 100],
    [130, 100],
    [150, 100],
    [170, 100],
    [300, 100],
  ] as const;
  const expected = [0, 1, 1, 2, 3, 4, 5, 5, 6, 7];
  t.deepEqual(await aspectRatioGroups(sized(sizes)), expected);
  t.deepEqual(await aspectRatioGroups(sized(sizes), 1), [0, 1, 1, 1, 1, 2, 2, 2, 2, 3]);
  const headers: Dataset = {
    ...sized(sizes),
    get: () => Promise.reject(new Error('not to be read')),
    size: async (index) => ({width: sizes[index]![0], height: sizes[index]![1]}),
  };
  t.deepEqual(await aspectRatioGroups(headers), expected);
  await t.throwsAsync(aspectRatioGroups(headers, 0), {code: 'INVALID_OPTION'});
});

test('what cannot be read is left out and told on request', async (t) => {
  const torn = new MaskRcnnError('INVALID_IMAGE', 'torn', {file: 'torn.png'});
  const gone = Object.assign(new Error('ENOENT'), {code: 'ENOENT', syscall: 'open'});
  const faults = new Map<number, Error>([
    [1, torn],
    [4, gone],
    [5, torn],
  ]);
  const good = sized(Array.from({length: 7}, () => [1, 1] as const));
  const data: Dataset = {
    ...good,
    get: (index) => (faults.has(index) ? Promise.reject(faults.get(index)) : good.get(index)),
  };
  const skipped: [number, Error][] = [];
  const options = {batchSize: 2, shuffle: false} as const;
  const onSkip = (index: number, error: Error) => skipped.push([index, error]);
  const loader = createLoader(data, {...options, unreadable: 'skip', onSkip});
  const batches = [];
  for await (const {indices, samples, batch} of loader.epoch(0)) {
    batches.push([batch, indices, samples.map(({file}) => file)]);
  }
  t.deepEqual(batches, [
    [0, [0], ['0']],
    [1, [2, 3], ['2', '3']],
    [3, [6], ['6']],
  ]);
  t.is(loader.length, 4);
  t.deepEqual(
    skipped.map(([index, error]) => [index, error === torn ? error : error.cause]),
    [
      [1, torn],
      [4, gone],
      [5, torn],
    ],
  );
  t.is(skipped[1]![1].message, 'Sample 4 of the data set: get(4) threw Error: ENOENT.');

  const strict = createLoader(data, options).epoch(0);
  t.is(await t.throwsAsync(strict.next()), torn);
  const bug = new TypeError('a defect');
  faults.set(0, bug);
  const defect = createLoader(data, {...options, unreadable: 'skip'}).epoch(0);
  t.is((await t.throwsAsync(defect.next(), {code: 'INVALID_DATASET', message: /^Sample 0 of/}))!.cause, bug);
});

test('no more than the batches ahead are held of a data set of any size', async (t) => {
  let [held, most] = [0, 0];
  const registry = sized(Array.from({length: 400}, () => [1, 1] as const));
  const data: Dataset = {
    ...registry,
    get: async (index) => {
      most = Math.max(most, ++held);
      return registry.get(index);
    },
  };
  for await (const {samples} of createLoader(data, {batchSize: 4, prefetch: 3}).epoch(0)) {
    await new Promise((resolve) => setImmediate(resolve));
    held -= samples.length;
  }
  t.is(held, 0);
  // Three batches ahead plus the one in use.
  t.true(most <= 16, `${most}`);
});
