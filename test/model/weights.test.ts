import {access, mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {type MaskRcnn, maskRcnn, type StateDict} from '../../lib/index.js';
import {writeSafetensors} from '../../lib/weights/write-safetensors.js';
import {blobSample, fingerprints, tinyModel} from '../tiny.js';

let folder: string;
let model: MaskRcnn;
let saved: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-weights-'));
  model = await maskRcnn(tinyModel);
  saved = join(folder, 'saved.safetensors');
  await model.save(saved);
});

test.after.always(async () => {
  model?.dispose();
  await rm(folder, {recursive: true, force: true});
});

const {image} = blobSample(1);

for (const extension of ['safetensors', 'pth', 'pt']) {
  test(`a .${extension} file brings weights, options and classes back`, async (t) => {
    const path = join(folder, `model.${extension}`);
    await model.save(path);
    const loaded = await maskRcnn({weights: path, seed: 99});
    t.deepEqual(loaded.classes, ['blob']);
    t.deepEqual(loaded.notices, []);
    t.deepEqual(loaded.options, {...model.options, seed: 99});
    t.deepEqual(fingerprints(await loaded.stateDict()), fingerprints(await model.stateDict()));
    t.deepEqual(await loaded.predict(image), await model.predict(image));
    loaded.dispose();
  });
}

test('what the caller says wins over what the file says', async (t) => {
  const loaded = await maskRcnn({weights: saved, boxScoreThresh: 0.9, minSize: 48});
  t.is(loaded.options.boxScoreThresh, 0.9);
  t.deepEqual(loaded.options.minSize, [48]);
  t.is(loaded.options.maxSize, 96);
  loaded.dispose();
});

test('other extensions are refused', async (t) => {
  const path = join(folder, 'model.onnx');
  const error = await t.throwsAsync(model.save(path), {code: 'INVALID_OPTION'});
  t.is(error!.message, `A model is saved as .safetensors, .pth or .pt, got '${path}'.`);
});

test('other classes get new predictors, and a notice', async (t) => {
  const heard: string[] = [];
  const loaded = await maskRcnn({weights: saved, classes: ['a', 'b'], onNotice: (notice) => heard.push(notice)});
  t.is(loaded.options.numClasses, 3);
  t.deepEqual(heard, [`${saved}: replaced its box and mask predictors by new ones for the 2 classes a, b.`]);
  t.deepEqual(loaded.notices, heard);
  const [mine, theirs] = [fingerprints(await loaded.stateDict()), fingerprints(await model.stateDict())];
  const changed = [...mine.keys()].filter((name) => mine.get(name) !== theirs.get(name));
  t.deepEqual(changed, [
    'roi_heads.box_predictor.cls_score.weight',
    'roi_heads.box_predictor.cls_score.bias',
    'roi_heads.box_predictor.bbox_pred.weight',
    'roi_heads.box_predictor.bbox_pred.bias',
    'roi_heads.mask_predictor.mask_fcn_logits.weight',
    'roi_heads.mask_predictor.mask_fcn_logits.bias',
  ]);
  loaded.dispose();
});

test('a class of the same name keeps what was learnt of it', async (t) => {
  const loaded = await maskRcnn({weights: saved, classes: ['other', 'blob'], seed: 1});
  t.true(loaded.notices[0]!.endsWith('classes other, blob; kept what it knows of blob.'), loaded.notices[0]);
  const name = 'roi_heads.box_predictor.cls_score.bias';
  const floats = async (of: MaskRcnn) => new Float32Array((await of.stateDict()).get(name)!.data.slice().buffer);
  const [mine, theirs] = [await floats(loaded), await floats(model)];
  t.deepEqual([mine[0], mine[2]], [theirs[0], theirs[1]]);
  loaded.dispose();
});

test('a file of another program needs its options said, and gives its classes by number', async (t) => {
  const path = join(folder, 'plain.safetensors');
  await writeSafetensors(path, await model.stateDict());
  const {classes, ...network} = tinyModel;
  const loaded = await maskRcnn({...network, weights: path});
  t.deepEqual(loaded.classes, ['1']);
  // With pretrained weights, torchvision freezes batch norm.
  t.is(loaded.options.backboneNorm, 'frozen');
  t.is(loaded.options.trainableBackboneLayers, 3);
  loaded.dispose();

  const error = await t.throwsAsync(maskRcnn({...network, backbone: 'resnet34', weights: path}), {
    code: 'STATE_DICT_MISMATCH',
  });
  t.true(error!.message.startsWith(`${path} does not have the model's`), error!.message);
});

test('options in a file that are none are refused', async (t) => {
  const path = join(folder, 'odd.safetensors');
  const dict = new Map([...(await model.stateDict())].slice(0, 1));
  for (const options of ['{"backbone": "alexnet"}', '', '{"backbone": "res', '3', 'null', '[]', '"resnet50"']) {
    await writeSafetensors(path, dict, {maskrcnn_options: options});
    const error = await t.throwsAsync(maskRcnn({weights: path}), {code: 'INVALID_CHECKPOINT'}, options);
    const begin = `${path} must have the options of a network as 'maskrcnn_options', got others: `;
    t.true(error!.message.startsWith(begin), error!.message);
    t.notRegex(error!.message, /Cannot read properties/);
    t.like(error, {file: path});
  }
});

test('neither a file nor a registered name', async (t) => {
  await t.throwsAsync(maskRcnn({...tinyModel, weights: 'COCO_V1'}), {code: 'INVALID_OPTION'});
  await t.throwsAsync(maskRcnn({weights: join(folder, 'absent.pth')}), {code: 'INVALID_OPTION'});
});

test('a state dict must be whole', async (t) => {
  const dict: StateDict = await model.stateDict();
  dict.delete('rpn.head.cls_logits.bias');
  const error = await t.throwsAsync(model.loadStateDict(dict), {code: 'STATE_DICT_MISMATCH'});
  t.true(error!.message.includes('1 missing (rpn.head.cls_logits.bias)'), error!.message);
});

test('a state dict goes from one model to another', async (t) => {
  const other = await maskRcnn({...tinyModel, seed: 3});
  await other.loadStateDict(await model.stateDict());
  t.deepEqual(await other.predict(image), await model.predict(image));
  other.dispose();
});

test("a classifier's weights fill the backbone and freeze it", async (t) => {
  const path = join(folder, 'resnet18.safetensors');
  const dict: StateDict = new Map();
  for (const [name, tensor] of await model.stateDict()) {
    if (!name.startsWith('backbone.body.')) continue;
    const own = name.slice('backbone.body.'.length);
    dict.set(own, {...tensor, name: own});
  }
  dict.set('fc.bias', {name: 'fc.bias', dtype: 'float32', shape: [1000], data: new Uint8Array(4000)});
  await writeSafetensors(path, dict);
  const loaded = await maskRcnn({...tinyModel, seed: 5, weightsBackbone: path});
  t.is(loaded.options.backboneNorm, 'frozen');
  const [mine, theirs] = [fingerprints(await loaded.stateDict()), fingerprints(await model.stateDict())];
  t.is(mine.get('backbone.body.layer4.1.conv2.weight'), theirs.get('backbone.body.layer4.1.conv2.weight'));
  t.not(mine.get('rpn.head.conv.0.0.weight'), theirs.get('rpn.head.conv.0.0.weight'));
  const trainable = loaded.parameters().filter(({trainable}) => trainable);
  t.false(trainable.some(({name}) => name.startsWith('backbone.body.layer1')));
  t.true(trainable.some(({name}) => name.startsWith('backbone.body.layer2')));
  loaded.dispose();
});

test('the MobileNetV2 of ImageNet loads', async (t) => {
  const path = fileURLToPath(new URL('../../../shared/weights/mobilenet_v2-imagenet.safetensors', import.meta.url));
  try {
    await access(path);
  } catch {
    t.log('skipped: the shared weights are not here');
    t.pass();
    return;
  }
  const loaded = await maskRcnn({backbone: 'mobilenet_v2', weightsBackbone: path, classes: ['gland']});
  t.deepEqual(loaded.options.returnedLayers, [4, 5]);
  t.is(loaded.options.backboneNorm, 'frozen');
  loaded.dispose();
});
