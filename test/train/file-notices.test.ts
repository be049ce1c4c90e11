import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {type Dataset, evaluate, maskRcnn, type TrainOptions, train} from '../../lib/index.js';
import {trainWith} from '../../lib/train/train.js';
import {depthNotice} from '../image/depth-notice.js';
import {blobSample, blobs, tinyModel} from '../tiny.js';

/** All images have 16 bits; all masks have three pages. */
function told(length: number, pages = true): Dataset {
  const get = async (index: number) => {
    const sample = blobSample(index);
    const image = {...sample.image, notices: [depthNotice(sample.file, 0, 65535)]};
    return {
      ...sample,
      image,
      ...(pages && {notices: [{kind: 'pages', file: `mask_${index}.tif`, what: 'has 3 pages'} as const]}),
    };
  };
  return {...blobs(length), get};
}

/** What `work` writes to standard error. */
async function written(work: () => Promise<unknown>): Promise<string> {
  const {write} = process.stderr;
  let text = '';
  process.stderr.write = ((part: string | Uint8Array) => {
    text += part;
    return true;
  }) as typeof write;
  try {
    await work();
  } finally {
    process.stderr.write = write;
  }
  return text;
}

test.serial('training tells each kind once, whatever the epochs, of training and validation', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-notices-'));
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  await using model = await maskRcnn(tinyModel);
  const options: TrainOptions = {
    data: told(2, false),
    validation: told(2),
    epochs: 2,
    warmup: 0,
    output: join(folder, 'run'),
  };
  const text = await written(() => train(model, options));
  t.is(text.match(/1 image is read by its upper 8 bits only: blob_\d\.png has 16 bits per sample/g)?.length, 1, text);
  t.is(
    text.match(/1 file is read by its first page only: mask_\d\.tif has 3 pages\. Others like it/g)?.length,
    1,
    text,
  );
  const before = await written(() => trainWith(model, options, {areFilesTold: true}));
  t.regex(before, /epoch 2\/2/);
  t.notRegex(before, /is read by/);
});

test.serial('evaluation tells each kind once, with the number of files', async (t) => {
  await using model = await maskRcnn(tinyModel);
  const notices: string[] = [];
  await evaluate(model, {data: told(3), onNotice: (notice) => notices.push(notice)});
  t.is(notices.length, 2);
  t.regex(notices[0]!, /^3 images are read by their upper 8 bits only: blob_0\.png has .*blob_2\.png/);
  t.regex(notices[1]!, /^3 files are read by their first pages only: mask_0\.tif has 3 pages;/);
});
