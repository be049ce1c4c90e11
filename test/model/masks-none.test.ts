import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {maskRcnn, type StateDict} from '../../lib/index.js';
import {hasMaskHead} from '../../lib/weights/mask-head.js';
import {findRegistered} from '../../lib/weights/registry.js';
import {writeSafetensors} from '../../lib/weights/write-safetensors.js';
import {blobSample, fingerprints, tinyModel} from '../tiny.js';

let folder: string;
const at = (name: string) => join(folder, name);
const {image} = blobSample(1);

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-none-'));
});

test.after.always(() => rm(folder, {recursive: true, force: true}));

const without = (dict: StateDict) =>
  new Map([...dict].filter(([name]) => !/^roi_heads\.mask_(head|predictor)\./.test(name)));

test('a network without masks has no mask head, and predicts what the one with masks does, but for masks', async (t) => {
  await using whole = await maskRcnn(tinyModel);
  await whole.save(at('whole.safetensors'));
  await using model = await maskRcnn({weights: at('whole.safetensors'), masks: 'none'});
  t.deepEqual(model.notices, [`${at('whole.safetensors')}: left out its mask head, as option 'masks' is 'none'.`]);
  t.is(model.options.masks, 'none');
  t.deepEqual(fingerprints(await model.stateDict()), fingerprints(without(await whole.stateDict())));
  const [found] = await model.predict(image);
  const [expected] = await whole.predict(image);
  t.true(found!.scores.length > 0);
  t.deepEqual(found, {...expected!, masks: []});
  t.deepEqual(
    await model.predict(image, {maskFormat: 'none', views: 2}),
    await whole.predict(image, {maskFormat: 'none', views: 2}),
  );
  const message = "Option 'maskFormat' of predict() must be 'none' for a network without a mask head, got 'rle'.";
  await t.throwsAsync(model.predict(image, {maskFormat: 'rle'}), {code: 'INVALID_OPTION', message});
});

test('what is saved without masks comes back without, and a network with masks can start from it', async (t) => {
  await using model = await maskRcnn({...tinyModel, masks: 'none'});
  await model.save(at('none.safetensors'));
  await using loaded = await maskRcnn({weights: at('none.safetensors')});
  t.deepEqual(loaded.notices, []);
  t.deepEqual(loaded.options, {...model.options, seed: 0});
  t.deepEqual(fingerprints(await loaded.stateDict()), fingerprints(await model.stateDict()));

  const heard: string[] = [];
  const onNotice = (notice: string) => heard.push(notice);
  await using grown = await maskRcnn({weights: at('none.safetensors'), masks: 'instance', onNotice});
  t.deepEqual(heard, [
    `${at('none.safetensors')}: it has no mask head. That of the network has random values and must be trained.`,
  ]);
  const dict = await grown.stateDict();
  t.deepEqual(fingerprints(without(dict)), fingerprints(await model.stateDict()));
  // The mask head is that of a network that is made without weights, by the same seed.
  t.true(hasMaskHead(dict));
  const [found] = await grown.predict(image);
  t.is(found!.masks.length, found!.scores.length);
});

test('a file of another program without a mask head makes a network without masks', async (t) => {
  await using model = await maskRcnn({...tinyModel, masks: 'none'});
  await writeSafetensors(at('plain.safetensors'), await model.stateDict());
  const {classes, ...network} = tinyModel;
  await using loaded = await maskRcnn({...network, weights: at('plain.safetensors'), classes: ['a', 'b']});
  t.is(loaded.options.masks, 'none');
  t.deepEqual(loaded.notices, [
    `${at('plain.safetensors')}: replaced its box predictor by a new one for the 2 classes a, b.`,
  ]);
});

test("COCO_V1 without masks are torchvision's weights of Faster R-CNN", (t) => {
  const file = (backbone: 'resnet50' | 'mobilenet_v3_large' | 'resnet18', version: 1 | 2, masks: 'instance' | 'none') =>
    findRegistered('COCO_V1', {kind: 'detector', backbone, version, masks})?.file;
  t.is(file('resnet50', 1, 'instance'), 'maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth');
  t.is(file('resnet50', 1, 'none'), 'fasterrcnn_resnet50_fpn_coco-258fb6c6.pth');
  t.is(file('resnet50', 2, 'none'), 'fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth');
  t.is(file('mobilenet_v3_large', 1, 'none'), 'fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth');
  t.is(file('mobilenet_v3_large', 1, 'instance'), undefined);
  t.is(file('resnet18', 1, 'none'), undefined);
});
