import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {runCli} from '../../lib/cli/run.js';
import {readImage} from '../../lib/image/read-image.js';
import {evaluate, MaskFolder, type MaskRcnnError, maskRcnn, type PixelOptions, train} from '../../lib/index.js';
import {readWeights} from '../../lib/weights/read-weights.js';
import {writeWeights} from '../../lib/weights/write-weights.js';
import {writeDeepBlobs} from '../deep-blobs.js';
import {recordedProgress} from '../libtorch/fake-wheel.js';
import {tinyModel} from '../tiny.js';

let folder = '';
const at = (...parts: string[]) => join(folder, ...parts);
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-deep-'));
  await writeDeepBlobs(at('cells'), 4);
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const open = (pixels: PixelOptions = {}) => MaskFolder.open(at('cells'), {classes: ['blob'], ...pixels});
const range = [0, 4095] as const;
const quick = {epochs: 1, batchSize: 2, log: 'silent'} as const;

async function maskrcnn(...args: string[]) {
  const {progress, text} = recordedProgress();
  let out = '';
  const code = await runCli(args, {out: (line) => (out += `${line}\n`), progress}, new AbortController().signal);
  return {code, out, err: text()};
}

test.serial('weights keep how images are read, and prediction reads files in the same way', async (t) => {
  await using model = await maskRcnn(tinyModel);
  t.deepEqual(model.pixels, {});
  const {last} = await train(model, {...quick, data: await open({range}), output: at('run')});
  t.deepEqual(model.pixels, {range});
  await model.save(at('copy.pth'));
  for (const weights of [last, at('copy.pth')]) {
    await using trained = await maskRcnn({weights});
    t.deepEqual(trained.pixels, {range});
    const notice = `${weights} was trained on images read with range: [0, 4095]: prediction reads files in the same way, unless it is told otherwise.`;
    t.deepEqual(trained.notices, [notice]);
    const image = at('cells', 'blob_1.tif');
    const options = {scoreThreshold: 0, maskFormat: 'none'} as const;
    const predicted = async (source: Parameters<typeof trained.predict>[0], more: PixelOptions = {}) => {
      const {file, ...found} = (await trained.predict(source, {...options, ...more}))[0]!;
      return found;
    };
    const [asTrained, asStored] = await Promise.all([readImage(image, {range}), readImage(image)]);
    t.notDeepEqual(asTrained.data, asStored.data);
    t.deepEqual(await predicted(image), await predicted(asTrained));
    t.deepEqual(await predicted(image, {range: 'full'}), await predicted(asStored));
    // Raw pixels are taken as they are.
    t.notDeepEqual(await predicted(asStored), await predicted(image));
  }
});

test.serial('weights without options are read as ever, and damaged ones are refused', async (t) => {
  await using model = await maskRcnn(tinyModel);
  await train(model, {...quick, data: await open(), output: at('plain')});
  const {tensors, metadata} = await readWeights(at('plain', 'last.safetensors'));
  t.false('maskrcnn_pixels' in metadata);
  for (const pixels of ['{"range":[9,1]}', '{"rang":"full"}', 'no JSON', '[]']) {
    await writeWeights(at('bad.safetensors'), tensors, {...metadata, maskrcnn_pixels: pixels});
    const error = await t.throwsAsync<MaskRcnnError>(maskRcnn({weights: at('bad.safetensors')}));
    t.like(error, {code: 'INVALID_CHECKPOINT', file: at('bad.safetensors')}, pixels);
  }
});

test.serial('training and validation must read images in the same way', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const [data, validation] = await Promise.all([open({range}), open({page: 0})]);
  const error = await t.throwsAsync<MaskRcnnError>(train(model, {...quick, data, validation, output: at('none')}));
  t.is(error!.code, 'INVALID_DATASET');
  t.regex(
    error!.message,
    /^'validation' must read images with range: \[0, 4095\] as 'data', got range: 'full', page: 0\.\n/,
  );
  t.deepEqual(model.pixels, {});
  // A data set of the user's own that does not say how it reads images is not compared.
  const own = {length: 1, classes: ['blob'], get: () => data.get(0)};
  await train(model, {...quick, data: own, validation: data, output: at('own')});
  t.deepEqual(model.pixels, {});
});

test.serial('a run is only resumed with images that are read as before', async (t) => {
  await using model = await maskRcnn(tinyModel);
  await train(model, {...quick, data: await open({range}), output: at('again')});
  await using next = await maskRcnn(tinyModel);
  const resume = {...quick, resume: true, output: at('again')};
  const error = await t.throwsAsync<MaskRcnnError>(train(next, {...resume, data: await open({range: 'percentile'})}));
  t.is(error!.code, 'INVALID_DATASET', error!.message);
  t.regex(error!.message, /'data' of a resumed run must have the option `range` \[0,4095\], got "percentile"/);
  const {history} = await train(next, {...resume, data: await open({range})});
  t.is(history.epochs.length, 1);
  t.deepEqual(next.pixels, {range});
});

test.serial('evaluation says that images are read in another way than in training', async (t) => {
  await using model = await maskRcnn({weights: at('run', 'last.safetensors')});
  const said = async (pixels: PixelOptions) => {
    const notices: string[] = [];
    await evaluate(model, {data: await open(pixels), onNotice: (notice) => notices.push(notice)});
    return notices;
  };
  t.deepEqual(await said({range}), []);
  const [notice] = await said({});
  t.is(
    notice,
    "The weights were trained on images read with range: [0, 4095]; the data set reads them with range: 'full'.",
  );
});

test.serial('the commands take the options as flags and in a file, and heed those of the weights', async (t) => {
  const cells = at('cells');
  const weights = at('run', 'last.safetensors');
  const inspected = await maskrcnn('inspect', cells);
  t.regex(inspected.out, /4 images of uint16: .* Pass --range 0,4095, or --range percentile\.\n/s);
  t.deepEqual(JSON.parse((await maskrcnn('inspect', cells, '--json')).out).pixels.proposal, {range: [0, 4095]});
  const stretched = await maskrcnn('inspect', cells, '--range', 'percentile', '--channels', '0', '--page', '0');
  t.regex(stretched.out, /They are read with --range percentile, --page 0, --channels 0\.\n/);
  t.notRegex(stretched.out, /Warning/);

  // Darker images have a notice, which tells how they were read.
  const predicted = await maskrcnn('predict', weights, at('cells', 'blob_1.tif'), '--output', at('found'));
  t.regex(
    predicted.err,
    /was trained on images read with --range 0,4095: prediction reads files in the same way, unless it is told otherwise\./,
  );
  t.notRegex(predicted.err, /Warning/);
  const dark = await maskrcnn(
    ...['predict', weights, at('cells', 'blob_1.tif'), '--output', at('dark'), '--range', 'full', '--page', '0'],
  );
  t.regex(
    dark.err,
    /Warning: 1 image is read by its upper 8 bits only: .* Pass --range 0,4095, or --range percentile\./,
  );
  const negative = await maskrcnn(
    ...['predict', weights, at('cells', 'blob_1.tif'), '--output', at('dark'), '--range', '-9000,4095.5'],
  );
  t.is(negative.code, 0, negative.err);
  const wrong = await maskrcnn('predict', weights, at('cells', 'blob_1.tif'), '--range', '9,1');
  t.is(wrong.code, 2);
  t.regex(wrong.err, /\[low, high\] with low < high, got '9,1'/);

  const scored = await maskrcnn('evaluate', cells, '--weights', weights, '--output', at('scores'));
  t.is(scored.code, 0, scored.err);
  t.notRegex(scored.err, /were trained on|upper 8 bits/);
  const otherwise = await maskrcnn(
    ...['evaluate', cells, '--weights', weights, '--output', at('scores'), '--range', 'percentile'],
  );
  t.regex(otherwise.err, /were trained on images read with /);

  const config = {...tinyModel, data: cells, range: [0, 4095], page: 0, epochs: 1, validation: 0, log: 'silent'};
  await writeFile(at('train.yaml'), JSON.stringify({...config, output: at('configured')}));
  const trained = await maskrcnn('train', '--config', at('train.yaml'), '--no-inspect');
  t.is(trained.code, 0, trained.err);
  const {metadata} = await readWeights(at('configured', 'last.safetensors'));
  t.is(metadata.maskrcnn_pixels, '{"range":[0,4095],"page":0}');
});
