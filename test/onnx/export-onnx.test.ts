import {spawnSync} from 'node:child_process';
import {mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import ort from 'onnxruntime-node';
import {exportOnnx, type MaskRcnn, maskRcnn} from '../../lib/index.js';
import {buildNetwork} from '../../lib/onnx/network.js';
import {loadOnnx} from '../../lib/onnx-runtime/index.js';
import {python, pythonHas} from '../python.js';
import {tinyModel} from '../tiny.js';
import {images, largestDifference} from './networks.js';

let folder: string;
let model: MaskRcnn;
let weights: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-export-'));
  model = await maskRcnn({...tinyModel, classes: ['round', 'odd']});
  weights = join(folder, 'tiny.safetensors');
  await model.save(weights);
});

test.after.always(async () => {
  model?.dispose();
  await rm(folder, {recursive: true, force: true});
});

const image = images[2]!;

test('a file of weights and the model they were saved from give the same bytes, the same each time', async (t) => {
  const [a, b] = [join(folder, 'a.onnx'), join(folder, 'b.onnx')];
  const written = await exportOnnx(model, a);
  const {notices, ...ofFile} = await exportOnnx(weights, b);
  t.deepEqual({...ofFile, notices: []}, {...written, notices: []});
  t.deepEqual(notices, []);
  t.deepEqual(written.classes, ['round', 'odd']);
  t.is((await stat(a)).size, written.bytes);
  t.true((await readFile(a)).equals(await readFile(b)));
});

test('the bytes say how the file was made', async (t) => {
  const file = join(folder, 'described.onnx');
  await exportOnnx(weights, file, {masks: 'box', scoreThreshold: 0.25});
  const loaded = await loadOnnx(await readFile(file), {ort});
  t.deepEqual(loaded.classes, ['round', 'odd']);
  t.like(loaded.description, {
    input: 'uint8',
    masks: 'box',
    half: false,
    scoreThreshold: 0.25,
    nmsThreshold: 0.5,
    maxDetections: 10,
    minSize: 64,
    maxSize: 96,
    imageMean: [0.485, 0.456, 0.406],
  });
  await loaded.dispose();
});

test('half: half the bytes, nearly the same detections', async (t) => {
  const [whole, half] = [join(folder, 'whole.onnx'), join(folder, 'half.onnx')];
  const {bytes} = await exportOnnx(model, whole, {masks: 'none'});
  const {bytes: bytesOfHalf} = await exportOnnx(model, half, {masks: 'none', half: true});
  t.true(bytesOfHalf < 0.51 * bytes, `${bytesOfHalf} of ${bytes}`);
  const found = await Promise.all(
    [whole, half].map(async (file) => (await loadOnnx(await readFile(file), {ort})).predict(image)),
  );
  const difference = largestDifference(found[0]!.scores, found[1]!.scores);
  t.true(difference > 0 && difference < 0.01, String(difference));
});

test('limits are fixed by options, or inputs with defaults', async (t) => {
  const fixed = join(folder, 'fixed.onnx');
  await exportOnnx(weights, fixed, {maxDetections: 3, masks: 'none'});
  const few = await (await loadOnnx(await readFile(fixed), {ort})).predict(image);
  const [expected] = await model.predict(image, {maxDetections: 3});
  t.is(few.scores.length, 3);
  t.true(largestDifference(few.scores, expected.scores) < 1e-5);

  const inputs = join(folder, 'inputs.onnx');
  await exportOnnx(weights, inputs, {limitInputs: true});
  // Sessions in JavaScript do not list such inputs, and need no values for them.
  const loaded = await loadOnnx(await readFile(inputs), {ort, sessionOptions: {logSeverityLevel: 3}});
  t.is((await loaded.predict(image)).scores.length, 10);
});

const checks = pythonHas(['onnx', 'onnxruntime', 'numpy'], 'the check of exported files') ? test : test.skip;

checks("ONNX's checker accepts every kind of file, and its limits can be given in Python", async (t) => {
  const networks = {
    a: {},
    b: {version: 2},
    c: {backbone: 'mobilenet_v3_large', anchorSizes: Array.from({length: 3}, () => [8, 16])},
  } as const;
  const files: string[] = [];
  for (const [name, options] of Object.entries(networks)) {
    const each = await maskRcnn({...tinyModel, ...options});
    for (const masks of ['image', 'box', 'none'] as const) {
      for (const half of [false, true]) {
        const file = join(folder, `checked-${name}-${masks}-${half}.onnx`);
        const options = {masks, half, limitInputs: half, input: half ? 'float32' : 'uint8'} as const;
        await exportOnnx(each, file, options);
        const batch = join(folder, `checked-${name}-${masks}-${half}-batch.onnx`);
        await exportOnnx(each, batch, {...options, batch: true});
        files.push(file, batch);
      }
    }
    each.dispose();
  }
  const script = `
import sys, numpy, onnx, onnxruntime
for file in sys.argv[1:]:
    model = onnx.load(file)
    onnx.checker.check_model(model, full_check=True)
    assert onnx.version_converter is not None
    assert [(o.domain, o.version) for o in model.opset_import] == [('', 11)], model.opset_import
options = onnxruntime.SessionOptions()
options.log_severity_level = 3
session = onnxruntime.InferenceSession(sys.argv[3], options)
image = numpy.random.default_rng(0).random((3, 70, 90), dtype=numpy.float32)
every = session.run(None, {'image': image})
two = session.run(None, {'image': image, 'max_detections': numpy.array([2])})
none = session.run(None, {'image': image, 'score_threshold': numpy.array([1], numpy.float32)})
print(len(every[0]), len(two[0]), none[3].shape)
session = onnxruntime.InferenceSession(sys.argv[4], options)
images = numpy.stack([image, image[:, ::-1], image])
every = session.run(None, {'images': images})
two = session.run(None, {'images': images, 'max_detections': numpy.array([2])})
none = session.run(None, {'images': images, 'score_threshold': numpy.array([1], numpy.float32)})
print(every[3].tolist() == [0] * 10 + [1] * 10 + [2] * 10, two[3].tolist(), none[4].shape)
`;
  const {status, stdout, stderr} = spawnSync(python, ['-c', script, ...files], {encoding: 'utf8'});
  t.is(status, 0, stderr);
  t.is(stdout.trim(), '10 2 (0, 70, 90)\nTrue [0, 0, 1, 1, 2, 2] (0, 70, 90)');
});

test('refusals name what is wrong, and leave an existing file as it was', async (t) => {
  const refusal = async (run: Promise<unknown>) => {
    const error = await t.throwsAsync(run, {name: 'MaskRcnnError'});
    return [(error as unknown as {code: string}).code, error!.message.split('\n')[0]];
  };
  const file = join(folder, 'refused.onnx');
  await writeFile(file, 'before');
  t.deepEqual(await refusal(exportOnnx(weights, join(folder, 'a.pt'))), [
    'INVALID_OPTION',
    `The file of exportOnnx() must end in .onnx, got '${join(folder, 'a.pt')}'.`,
  ]);
  t.deepEqual(await refusal(exportOnnx(weights, file, {maks: 'box'} as object)), [
    'INVALID_OPTION',
    "exportOnnx() has no option 'maks'.",
  ]);
  t.is((await refusal(exportOnnx(join(folder, 'absent.pth'), file)))[0], 'INVALID_OPTION');
  t.is((await refusal(exportOnnx(weights, join(weights, 'x.onnx'))))[0], 'WRITE_FAILED');
  const boxes = await maskRcnn({...tinyModel, masks: 'none'});
  t.deepEqual(await refusal(exportOnnx(boxes, file, {masks: 'box'})), [
    'INVALID_OPTION',
    "Option 'masks' of exportOnnx() must be 'none' for The model, a network without a mask head, got 'box'.",
  ]);
  boxes.dispose();
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  await t.throwsAsync(exportOnnx(weights, file, {signal: controller.signal}), {message: 'enough'});
  t.is(await readFile(file, 'utf8'), 'before');
  t.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('refused.onnx.')),
    [],
  );
});

test('a network of more than 2 GB is refused before its weights are touched', async (t) => {
  const large = await maskRcnn({...tinyModel, fpnChannels: 32, boxRepresentationSize: 64});
  t.teardown(() => large.dispose());
  const dict = await large.stateDict();
  // The shape of 2.1 GB, without the memory: reading its data would fail the test.
  const name = 'roi_heads.box_head.fc7.weight';
  const hollow = {
    ...dict.get(name)!,
    shape: [23000, 23000],
    get data(): Uint8Array {
      return t.fail('the weights were read') as never;
    },
  };
  const stateDict = async () => new Map([...dict, [name, hollow]]);
  const huge = new Proxy(large, {
    get: (target, key) => (key === 'stateDict' ? stateDict : Reflect.get(target, key, target)),
  });
  const file = join(folder, 'huge.onnx');
  const error = await t.throwsAsync(exportOnnx(huge, file), {code: 'INVALID_OPTION'});
  t.regex(error!.message, /holds less than 2 GB: it would have 2\.\d GB/);
  t.false((await readdir(folder)).includes('huge.onnx'));
});

test('weights that lack a tensor of their network are refused', async (t) => {
  const dict = await model.stateDict();
  dict.delete('rpn.head.cls_logits.bias');
  const options = {
    ...({input: 'uint8', batch: false, masks: 'none', half: false, scoreThreshold: 0.05, nmsThreshold: 0.5} as const),
    ...{maxDetections: 10, maskThreshold: 0.5, limitInputs: false},
  };
  t.notThrows(() => buildNetwork(dict, 'a.pth', model.options, options)); // 1 × 1 convolutions may have no bias
  dict.delete('rpn.head.cls_logits.weight');
  t.throws(() => buildNetwork(dict, 'a.pth', model.options, options), {
    code: 'STATE_DICT_MISMATCH',
    message: /a\.pth lacks the tensor rpn\.head\.cls_logits\.weight/,
  });
});
