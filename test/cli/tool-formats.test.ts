import {mkdir, readdir, readFile, rm} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {writeGlandImages} from '../../examples/glands/generate.js';
import {TOOL_FORMATS} from '../../lib/cli/tool-formats.js';
import {readMask} from '../../lib/image/read-mask.js';
import {type DetectionsJson, maskRcnn, openDataset} from '../../lib/index.js';
import {temporaryFolder} from '../examples/run-example.js';
import {wideModel} from '../tiny.js';
import {maskrcnn} from './maskrcnn.js';

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);

test.before(async () => {
  folder = await temporaryFolder();
  await writeGlandImages(at('data'), 'train', 3, 1);
  await mkdir(at('scans'));
  await writeGlandImages(at('scans'), 'a', 2, 1);
  for (const name of ['a_1_anno.png', 'a_2_anno.png']) await rm(at('scans', name));
  await using model = await maskRcnn({...wideModel, classes: ['gland', 'a & "b"']});
  await model.save(at('model.safetensors'));
});

test.after.always(() => rm(folder, {recursive: true, force: true}));

test.serial('predict writes the formats of tools, which are read back to the masks of NAME.json', async (t) => {
  const save = ['json', 'labels', 'labels-tiff', ...TOOL_FORMATS].join(',');
  const options = ['--save', save, '--score-threshold', '0', '--max-detections', '6', '--output', at('found')];
  const {code, err} = await maskrcnn('predict', at('model.safetensors'), at('scans'), ...options);
  t.is(code, 0, err);
  const names = ['a_1', 'a_2'];
  const json = await Promise.all(
    names.map(async (name): Promise<DetectionsJson> => JSON.parse(await readFile(at('found', `${name}.json`), 'utf8'))),
  );
  const masks = json.map(({objects}) => objects.flatMap(({mask, class: name}) => (mask ? [[name, mask!.counts]] : [])));
  t.true(masks.flat().length > 4, 'the network finds something');
  for (const format of TOOL_FORMATS) {
    const data = await openDataset(at('found', format), {images: at('scans')});
    t.is(data.length, 2, format);
    for (const [i, expected] of masks.entries()) {
      const truth = await data.truth!(i);
      t.is(truth.length, expected.length, format);
      if (format === 'yolo' || format === 'via') continue; // holes are filled, as test/export holds
      const classOf = (label: number, j: number) => (format === 'imagej' ? expected[j]![0] : data.classes[label - 1]);
      t.deepEqual(
        truth.map(({label, mask}, j) => [classOf(label, j), mask!.counts]),
        expected,
        format,
      );
    }
  }
  const labels = await Promise.all(['png', 'tif'].map((type) => readMask(at('found', `a_1_labels.${type}`))));
  t.deepEqual([...labels[0]!.ids], [...labels[1]!.ids]);
  t.regex(
    err,
    /YOLO: \d+ scores were left out on 2 images, because it has no place for scores\. The first: a_1\.png, object 1\./,
  );
  // LabelMe opens the image from where it is.
  const {imagePath} = JSON.parse(await readFile(at('found/labelme/a_1.json'), 'utf8'));
  t.is(imagePath, '../../scans/a_1.png');
});

test.serial('predict replaces its own documents, and reads no label mask of its own', async (t) => {
  const options = ['--save', 'cvat,labels-tiff', '--score-threshold', '0', '--output', at('scans')];
  t.is((await maskrcnn('predict', at('model.safetensors'), at('scans'), ...options)).code, 0);
  const again = await maskrcnn('predict', at('model.safetensors'), at('scans'), ...options, '--overwrite');
  t.is(again.code, 0, again.err);
  t.deepEqual((await readdir(at('scans'))).toSorted(), [
    'a_1.png',
    'a_1_labels.tif',
    'a_2.png',
    'a_2_labels.tif',
    'cvat',
  ]);
  t.deepEqual(await readdir(at('scans/cvat')), ['annotations.xml']);
  await rm(at('scans/cvat'), {recursive: true});
});

test.serial('convert-data writes a data set in another format, with its splits, and tells what is lost', async (t) => {
  const masks = await maskrcnn('convert-data', at('data'), at('coco'), '--format', 'coco', '--classes', 'gland');
  t.like(masks, {
    code: 0,
    out: `${at('coco')}: 3 images with ${/with (\d+)/.exec(masks.out)![1]} objects in the format of COCO.\nNothing is lost.\n`,
  });
  t.is((await openDataset(at('coco'))).length, 3);

  const back = await maskrcnn('convert-data', at('coco'), at('roi'), '--format', 'imagej', '--image-files', 'none');
  t.is(back.code, 0);
  t.deepEqual(await readdir(at('roi')), ['train_1_RoiSet.zip', 'train_2_RoiSet.zip', 'train_3_RoiSet.zip']);

  const twice = await maskrcnn('convert-data', at('coco'), at('roi'), '--format', 'imagej');
  t.like(twice, {code: 2});
  t.regex(twice.err, /must be a new or an empty folder/);

  const none = await maskrcnn('convert-data', at('coco'), at('x'));
  t.like(none, {code: 2});
  t.regex(none.err, /needs option --format: one of 'masks'/);
});

test.serial('convert-data names --from-format where --format means the reader elsewhere', async (t) => {
  await mkdir(at('several'));
  await maskrcnn('convert-data', at('coco'), at('several/a'), '--format', 'labelme');
  await maskrcnn('convert-data', at('coco'), at('several/b'), '--format', 'cvat');
  const {code, err} = await maskrcnn('convert-data', at('several'), at('y'), '--format', 'yolo');
  t.is(code, 1);
  t.regex(err, /Choose one with --from-format: 'labelme' or 'cvat'\.\n$/);
  const chosen = await maskrcnn('convert-data', at('several'), at('y'), '--format', 'yolo', '--from-format', 'cvat');
  t.is(chosen.code, 0, chosen.err);
});

test.serial('convert-data converts all splits, or one', async (t) => {
  for (const split of ['train', 'valid']) {
    const args = ['--format', 'labelme', '--classes', 'gland', '--include', split === 'train' ? '*_1' : '*_[23]'];
    t.is((await maskrcnn('convert-data', at('data'), at('parts', split), ...args)).code, 0);
  }
  t.is((await maskrcnn('convert-data', at('parts'), at('yolo'), '--format', 'yolo')).code, 0);
  t.deepEqual(await readdir(at('yolo/images/val')), ['train_2.png', 'train_3.png']);
  t.is((await openDataset(at('yolo'), {split: 'train'})).length, 1);
  t.is((await maskrcnn('convert-data', at('parts'), at('one'), '--format', 'coco', '--split', 'valid')).code, 0);
  t.is((await openDataset(at('one'))).length, 2);
});
