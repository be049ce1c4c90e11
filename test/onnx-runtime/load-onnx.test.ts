import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {build} from 'esbuild';
import ort from 'onnxruntime-node';
import * as web from 'onnxruntime-web';
import ts from 'typescript';
import {exportOnnx, type MaskRcnn, maskRcnn} from '../../lib/index.js';
import {loadOnnx, MaskRcnnError} from '../../lib/onnx-runtime/index.js';
import {images, largestDifference} from '../onnx/networks.js';
import {tinyModel} from '../tiny.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let folder: string;
let model: MaskRcnn;
const files: Record<string, Buffer> = {};

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-load-'));
  model = await maskRcnn({...tinyModel, classes: ['round', 'odd']});
  for (const masks of ['image', 'box', 'none'] as const) {
    const file = join(folder, `${masks}.onnx`);
    await exportOnnx(model, file, {masks});
    files[masks] = await readFile(file);
  }
});

test.after.always(async () => {
  model?.dispose();
  await rm(folder, {recursive: true, force: true});
});

const image = images[2]!;

test('bytes, an ArrayBuffer or a session; RGB or RGBA', async (t) => {
  const bytes = files.box!;
  const expected = await (await loadOnnx(bytes, {ort})).predict(image);
  const [own] = await model.predict(image);
  t.deepEqual(expected.masks, own.masks);
  t.deepEqual(expected.classNames, own.classNames);

  const rgba = new Uint8ClampedArray(image.width * image.height * 4).fill(17);
  for (let i = 0; i < image.width * image.height; i++) rgba.set(image.data.subarray(3 * i, 3 * i + 3), 4 * i);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  t.deepEqual(await (await loadOnnx(buffer, {ort})).predict({...image, data: rgba}), expected);

  const session = await ort.InferenceSession.create(bytes);
  const named = await loadOnnx(session, {ort, classes: ['round', 'odd']});
  t.deepEqual([named.masks, named.input, named.description], ['box', 'uint8', undefined]);
  t.deepEqual(await named.predict(image), expected);
  const unnamed = await (await loadOnnx(session, {ort})).predict(image);
  t.deepEqual(unnamed.classNames, Array.from(unnamed.labels, String));
});

// Serial: beside other sessions, the message of that runtime was empty in one run.
test.serial('the WASM of onnxruntime-web refuses a damaged file', async (t) => {
  web.env.wasm.numThreads = 1;
  const damaged = Buffer.from(files.box!).fill(0, files.box!.length - 20_000);
  await t.throwsAsync(loadOnnx(damaged, {ort: web}), {
    code: 'INVALID_CHECKPOINT',
    message: /^ONNX Runtime cannot read the bytes/,
  });
});

test('the WASM of onnxruntime-web finds the same', async (t) => {
  web.env.wasm.numThreads = 1;
  const loaded = await loadOnnx(files.box!, {ort: web});
  const [expected] = await model.predict(image);
  // Two calls at once: sessions of this runtime refuse that.
  const [found, again] = await Promise.all([loaded.predict(image), loaded.predict(image)]);
  t.deepEqual(found.labels, expected.labels);
  t.true(largestDifference(found.scores, expected.scores) < 1e-4);
  t.true(largestDifference(found.boxes, expected.boxes) < 1e-3);
  t.deepEqual(again, found);
  await loaded.dispose();
});

test('options choose detections and masks as those of predict() do', async (t) => {
  const loaded = await loadOnnx(files.box!, {ort});
  const {scores} = await loaded.predict(image);
  const options = {scoreThreshold: scores[6]!, maxDetections: 4, maskThreshold: 0.48, maskFormat: 'bitmap'} as const;
  const found = await loaded.predict(image, options);
  const [expected] = await model.predict(image, options);
  t.is(found.scores.length, 4);
  t.deepEqual(found.masks, expected.masks);
  t.is((await loaded.predict(image, {scoreThreshold: scores[6]!})).scores.length, 6);
  t.deepEqual((await loaded.predict(image, {maskFormat: 'none'})).masks, []);
  t.deepEqual((await (await loadOnnx(files.none!, {ort})).predict(image)).masks, []);
});

test('refusals', async (t) => {
  const [box, onImage, none] = await Promise.all(['box', 'image', 'none'].map((name) => loadOnnx(files[name]!, {ort})));
  const refusal = async (run: Promise<unknown>) => {
    const error = await t.throwsAsync(run, {instanceOf: MaskRcnnError});
    return `${(error as MaskRcnnError).code}: ${error!.message.split('\n')[0]}`;
  };
  t.is(
    await refusal(box!.predict({...image, width: 5})),
    `INVALID_IMAGE: The image of predict() must have 3 or 4 bytes for each pixel, of a width and height of at least 1, got 20301 bytes for 5 × ${image.height} pixels.`,
  );
  for (const [data, kind] of [
    [new Float32Array(3), 'Float32Array'],
    [[1, 2, 3], 'Array'],
    [undefined, 'Undefined'],
  ] as const) {
    t.regex(
      await refusal(box!.predict({data, width: 1, height: 1} as never)),
      new RegExp(`INVALID_IMAGE: .*data of type ${kind}`),
    );
  }
  t.regex(
    await refusal(box!.predict({data: new Uint8Array(3000), width: 1000, height: 1})),
    /INVALID_IMAGE: .*too thin/,
  );
  t.is(
    await refusal(onImage!.predict(image, {maskFormat: 'float'})),
    "INVALID_OPTION: Option 'maskFormat' of predict() cannot be 'float' for a file with masks of the image.",
  );
  t.is(
    await refusal(onImage!.predict(image, {maskThreshold: 0.4})),
    "INVALID_OPTION: Option 'maskThreshold' of predict() is fixed in a file with masks of the image to 0.5, got 0.4.",
  );
  t.regex(await refusal(none!.predict(image, {maskFormat: 'rle'})), /INVALID_OPTION: .*without masks/);
  t.regex(await refusal(box!.predict(image, {treshold: 1} as object)), /INVALID_OPTION: predict\(\) has no option/);
  t.regex(await refusal(loadOnnx(files.box!.subarray(0, 5000), {ort})), /INVALID_CHECKPOINT: .*exportOnnx/);
  t.regex(await refusal(loadOnnx(new Uint8Array([1, 2, 3]), {ort})), /INVALID_CHECKPOINT/);
  t.regex(await refusal(loadOnnx(files.box!, {} as never)), /INVALID_OPTION: loadOnnx\(\) needs option 'ort'/);
  t.regex(
    await refusal(loadOnnx(files.box!, {ort: {InferenceSession: {}} as never})),
    /INVALID_OPTION: .*must be the module of an ONNX Runtime/,
  );
  const damaged = Buffer.from(files.box!).fill(0, files.box!.length - 20_000);
  t.regex(await refusal(loadOnnx(damaged, {ort})), /INVALID_CHECKPOINT: ONNX Runtime cannot read the bytes/);
  t.regex(await refusal(loadOnnx('model.onnx' as never, {ort})), /INVALID_OPTION: .*takes the bytes/);
  const other = {inputNames: ['x'], outputNames: ['y'], run: async () => ({})};
  t.regex(await refusal(loadOnnx(other, {ort})), /INVALID_CHECKPOINT: .*got input x and outputs y/);
});

test('shared memory, and sessions that tell no types, as those of older runtimes', async (t) => {
  const expected = await (await loadOnnx(files.image!, {ort})).predict(image);
  const shared = new Uint8Array(new SharedArrayBuffer(image.data.length));
  shared.set(image.data);
  const session = await ort.InferenceSession.create(files.image!);
  const {inputNames, outputNames} = session;
  const old = {inputNames, outputNames, run: (feeds: never) => session.run(feeds)};
  const loaded = await loadOnnx(old, {ort: {default: ort} as never, classes: ['round', 'odd']});
  t.deepEqual(await loaded.predict({...image, data: shared}), expected);
});

test('dispose() waits for the running calls, and ends the use', async (t) => {
  const loaded = await loadOnnx(files.box!, {ort});
  const running = loaded.predict([image, images[0]!, images[1]!]);
  const disposed = loaded.dispose();
  t.is((await running).length, 3);
  await disposed;
  await loaded.dispose();
  await t.throwsAsync(loaded.predict(image), {code: 'DISPOSED'});
});

test('small, for browsers, without anything of Node.js', async (t) => {
  const entry = join(ROOT, 'lib/onnx-runtime/index.ts');
  // For browsers esbuild refuses modules of Node.js.
  const {outputFiles, metafile} = await build({
    ...{entryPoints: [entry], bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022'},
    ...{write: false, metafile: true},
  });
  t.log(`${outputFiles[0]!.contents.length} bytes`);
  t.true(outputFiles[0]!.contents.length < 30_000);
  t.deepEqual(
    Object.keys(metafile.inputs).filter((path) => path.includes('node_modules')),
    [],
  );
});

test('its types need those of browsers only', async (t) => {
  const program = join(folder, 'page.ts');
  const index = JSON.stringify(join(ROOT, 'lib/onnx-runtime/index.js'));
  await writeFile(
    program,
    `import {loadOnnx, type Detections} from ${index};
declare const ort: {Tensor: new (...values: any) => object; InferenceSession: {create(bytes: Uint8Array): Promise<any>}};
const model = await loadOnnx(new ArrayBuffer(8), {ort});
const found: Detections = await model.predict(new ImageData(1, 1), {scoreThreshold: 0.5});
const floats: Float32Array[] = (await model.predict(new ImageData(1, 1), {maskFormat: 'float'})).masks;
export {found, floats};`,
  );
  const {ModuleKind, ModuleResolutionKind, ScriptTarget} = ts;
  const checked = ts.createProgram([program], {
    ...{module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler, target: ScriptTarget.ES2023},
    ...{lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'], types: [], strict: true, noEmit: true, skipLibCheck: true},
  });
  // setImmediate, which turns.ts uses where there is one, is not in published declarations.
  const problems = ts
    .getPreEmitDiagnostics(checked)
    .filter(({file}) => file === undefined || file.fileName.endsWith('page.ts'))
    .map(({messageText}) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  t.deepEqual(problems, []);
});
