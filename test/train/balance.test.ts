import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {type Dataset, type MaskRcnn, maskRcnn, type Run, type TrainOptions, train} from '../../lib/index.js';
import {blobSample, fingerprints, tinyModel} from '../tiny.js';

let folder: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-balance-'));
});

test.after.always(async () => {
  await rm(folder, {recursive: true, force: true});
});

const classes = ['common', 'rare', 'odd'];

/** Eight images of class 1, of which the first also has class 2, and the second also class 3. Counts what it reads. */
function unbalanced(): Dataset & {asked: number[]; read: string[]} {
  const asked: number[] = [];
  const read: string[] = [];
  return {
    length: 8,
    classes,
    asked,
    read,
    async get(index) {
      const sample = blobSample(3 * index + 2);
      read.push(sample.file);
      const [first, ...others] = sample.instances;
      return {...sample, instances: [{...first!, label: index < 2 ? index + 2 : 1}, ...others]};
    },
    async labels(index) {
      asked.push(index);
      return index < 2 ? [index + 2, 1, 1] : [1, 1, 1];
    },
  };
}

/** With t = 0.5 the rare classes, on an eighth of the images, are taken √(0.5 · 8) = 2 times; with 0.3, 1.549 times. */
const options = (data: Dataset, output: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
  data,
  epochs: 4,
  batchSize: 2,
  accumulate: 2,
  warmup: 0,
  balance: 'repeat-factor',
  balanceThreshold: 0.3,
  schedule: {type: 'multistep', milestones: [2]},
  freeze: ['backbone.body', 'roi_heads.box_head'],
  lr: 0.001,
  seed: 3,
  output: join(folder, output),
  log: 'silent',
  ...more,
});

async function course(model: MaskRcnn, {history}: Run): Promise<object> {
  return {
    steps: history.steps.map(({step, epoch, lr, losses, gradientNorm}) => ({step, epoch, lr, losses, gradientNorm})),
    epochs: history.epochs.map(({epoch, loss}) => ({epoch, loss})),
    weights: fingerprints(await model.stateDict()),
  };
}

const network = {...tinyModel, classes};

test.serial('epochs differ in length; steps go on counting, and the schedule counts epochs', async (t) => {
  const data = unbalanced();
  await using model = await maskRcnn(network);
  const {history} = await train(model, options(data, 'whole'));
  t.deepEqual([...data.asked].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
  t.deepEqual(
    history.steps.map(({step}) => step),
    history.steps.map((_, i) => i),
  );
  // 8, 9 or 10 images are 4 or 5 batches: 2 or 3 steps.
  const steps = [0, 1, 2, 3].map((epoch) => history.steps.filter((step) => step.epoch === epoch).length);
  t.deepEqual([...new Set(steps)].sort(), [2, 3], 'the seed is one with both lengths');
  for (const {epoch, lr} of history.steps) t.true(Math.abs(lr - (epoch < 2 ? 0.001 : 0.0001)) < 1e-12);
  const images = data.read.length;
  t.true(images >= 32 && images <= 40);
});

test.serial('interrupted after any step and resumed, a balanced run is what it had been', async (t) => {
  await using whole = await maskRcnn(network);
  const expected = await course(whole, await train(whole, options(unbalanced(), 'reference')));
  const output = 'parts';
  for (let parts = 1; ; parts++) {
    await using model = await maskRcnn(network);
    const run = await train(model, options(unbalanced(), output, {resume: 'auto', limitHours: 1e-9}));
    if (run.ending === 'limitHours') continue;
    t.true(parts > 4);
    const {steps, weights} = (await course(model, run)) as {steps: object; weights: object};
    t.deepEqual(
      {steps, weights},
      {steps: (expected as {steps: object}).steps, weights: (expected as {weights: object}).weights},
    );
    break;
  }
});

test.serial('what is repeated is told, and a data set without labels() is read once', async (t) => {
  const told = async (data: Dataset, more: Partial<TrainOptions> = {}) => {
    const write = process.stderr.write;
    let text = '';
    process.stderr.write = ((part: string) => {
      text += part;
      return true;
    }) as typeof write;
    try {
      await using model = await maskRcnn(network);
      await train(model, options(data, 'told', {epochs: 1, log: 'auto', ...more}));
    } finally {
      process.stderr.write = write;
    }
    return text;
  };
  const text = await told(unbalanced());
  const repeated = "'rare' 1.55 times, 'odd' 1.55 times";
  t.true(text.includes(`an epoch has about 9 images. Images of these classes are repeated: ${repeated}.`), text);
  t.regex(text, /1 epoch of about 3 steps/);
  const {labels: _, ...without} = unbalanced();
  const again = await told(without);
  t.true(again.includes('Reading all images once for their classes'), again);
  t.true(again.includes(repeated));
  t.regex(await told(unbalanced(), {balanceThreshold: 0.01}), /each class is on at least 0\.01 of the images/);
  t.notRegex(await told(unbalanced(), {balance: 'none'}), /Repeat-factor|about/);
});

test.serial('wrong labels and wrong options are refused; another balance makes another run', async (t) => {
  await using model = await maskRcnn(network);
  const wrong = {...unbalanced(), labels: async () => [4]};
  await t.throwsAsync(train(model, options(wrong, 'wrong')), {
    code: 'INVALID_DATASET',
    message: 'labels(0) of the data set must be a list of labels in 1..3, got [4].',
  });
  const failing = {...unbalanced(), labels: async () => Promise.reject(new Error('no table'))};
  await t.throwsAsync(train(model, options(failing, 'wrong')), {
    code: 'INVALID_DATASET',
    message: /labels\(\d\) threw Error: no table/,
  });
  await t.throwsAsync(train(model, options(unbalanced(), 'wrong', {balance: 'rfs' as never})), {
    code: 'INVALID_OPTION',
  });
  await t.throwsAsync(train(model, options(unbalanced(), 'wrong', {balanceThreshold: 0})), {code: 'INVALID_OPTION'});
  await t.throwsAsync(train(model, options(unbalanced(), 'whole', {resume: true, balance: 'none'})), {
    code: 'INVALID_OPTION',
    message: /Option 'balance' of a resumed run must be 'repeat-factor' as before, got 'none'/,
  });
});
