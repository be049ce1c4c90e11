import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {type Dataset, maskRcnn, subset, type TrainOptions, train} from '../../lib/index.js';
import {boxesAloneTeller, describeBoxesAlone} from '../../lib/train/boxes-alone.js';
import {blobSample, fingerprints, tinyModel} from '../tiny.js';

let folder: string;
let runs = 0;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-boxes-'));
});

test.after.always(() => rm(folder, {recursive: true, force: true}));

/** Blobs of which only the boxes are known, on the images that `isBox` names. */
function boxes(length: number, isBox: (index: number) => boolean = () => true): Dataset {
  return {
    length,
    classes: ['blob'],
    get: async (index) => {
      const sample = blobSample(index);
      if (!isBox(index)) return sample;
      return {...sample, instances: sample.instances.map(({mask: _, ...instance}) => instance)};
    },
  };
}

function short(options: Partial<TrainOptions> & Pick<TrainOptions, 'data'>): TrainOptions {
  return {epochs: 1, warmup: 0, log: 'silent', output: join(folder, String(runs++)), ...options};
}

test.serial('a network without masks learns from boxes, and its best epoch is that of the best box AP', async (t) => {
  await using model = await maskRcnn({...tinyModel, masks: 'none'});
  const options = short({data: boxes(6), validation: boxes(2), epochs: 2});
  const {history, best, output} = await train(model, options);
  t.true(history.steps.every(({losses}) => losses.loss_mask === 0 && losses.loss_box_reg > 0));
  t.true(history.epochs.every(({validation}) => validation!.segm === null && validation!.bbox.ap !== null));
  const {train: saved} = JSON.parse(await readFile(join(output, 'options.json'), 'utf8'));
  t.is(saved.bestBy, 'boxAp');
  t.notRegex(await readFile(join(output, 'losses.svg'), 'utf8'), /mask/);
  await using loaded = await maskRcnn({weights: best});
  t.is(loaded.options.masks, 'none');

  const message = /'bestBy' of train\(\) must fit a network without masks, got 'ap', which is of masks\./;
  await t.throwsAsync(train(model, short({data: boxes(2), validation: boxes(2), bestBy: 'ap'})), {
    code: 'INVALID_OPTION',
    message,
  });
});

test.serial('the same boxes with masks give the same box losses', async (t) => {
  const losses = async (data: Dataset) => {
    await using model = await maskRcnn(tinyModel);
    const {history} = await train(model, short({data, lr: 1e-9, augment: 'none'}));
    return history.steps.map(({losses: {loss_mask, ...others}}) => ({loss_mask, others}));
  };
  const [with_, without, mixed] = [
    await losses(boxes(4, () => false)),
    await losses(boxes(4)),
    await losses(boxes(4, (index) => index % 2 === 0)),
  ];
  t.deepEqual(without[0]!.others, with_[0]!.others);
  t.deepEqual(mixed[0]!.others, with_[0]!.others);
  t.true(without.every(({loss_mask}) => loss_mask === 0));
  t.true(mixed.every(({loss_mask}) => loss_mask > 0));
});

test.serial('a network with masks trains on boxes alone, with its mask head as it was', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const before = fingerprints(await model.stateDict());
  await train(model, short({data: boxes(4), optimizer: {type: 'sgd', weightDecay: 0}}));
  const after = fingerprints(await model.stateDict());
  for (const [name, print] of after) {
    if (name.startsWith('roi_heads.mask')) t.is(print, before.get(name)!, name);
    if (name.startsWith('roi_heads.box_predictor')) t.not(print, before.get(name)!, name);
  }
});

test('objects without a mask are told before the first step, or with the first of them', (t) => {
  const data = boxes(1);
  t.deepEqual(describeBoxesAlone({...data, masks: 'none'}, 'none'), []);
  t.deepEqual(describeBoxesAlone({...data, masks: 'all'}, 'instance'), []);
  t.regex(describeBoxesAlone({...data, masks: 'none'}, 'instance').join(), /the mask head is not trained/);
  t.regex(describeBoxesAlone({...data, masks: 'some'}, 'instance').join(), /left out of the mask loss/);
  const told = (masks: Dataset['masks'], networkMasks: 'instance' | 'none') => {
    const said: string[] = [];
    const tell = boxesAloneTeller({...data, ...(masks && {masks})}, networkMasks, (text) => said.push(text));
    const sample = blobSample(1);
    const alone = {...sample, instances: sample.instances.map(({mask: _, ...instance}) => instance)};
    for (const each of [sample, alone, alone]) tell(each);
    return said;
  };
  const sentence = 'blob_1.png has an object without a mask. Such objects are left out of the mask loss.';
  t.deepEqual(told(undefined, 'instance'), [sentence]);
  t.deepEqual(told('some', 'instance'), []);
  t.deepEqual(told(undefined, 'none'), []);
});

test('a subset tells what masks its data set has', (t) => {
  t.is(subset({...boxes(2), masks: 'none'}, [0]).masks, 'none');
  t.is(subset(boxes(2), [0]).masks, undefined);
});
