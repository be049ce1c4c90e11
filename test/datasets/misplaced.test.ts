import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {Coco} from '../../lib/datasets/coco/coco.js';
import {MaskFolder} from '../../lib/datasets/mask-folder.js';

async function folderOf(t: ExecutionContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-misplaced-'));
  t.teardown(() => rm(folder, {recursive: true}));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), {recursive: true});
    await writeFile(join(folder, name), content);
  }
  return folder;
}

for (const [what, names, found, hint] of [
  [
    'one level too high',
    ['train/a.png', 'train/a_mask.png', 'val/b.png'],
    '0 images and 0 masks, 2 folders (train, val)',
    'Perhaps FOLDER/train was meant: it has images.',
  ],
  [
    'with annotations in JSON',
    ['annotations.json', 'a.png'],
    '1 image and 0 masks, annotations.json',
    'If annotations.json has annotations in COCO format, open FOLDER/annotations.json, with the folder of its images as `images`.',
  ],
  [
    'with masks of another ending',
    ['a.png', 'a_seg.png', 'b.png', 'b_seg.png'],
    '4 images and 0 masks',
    'If NAME_seg is the mask of NAME, set `maskSuffix` to _seg.',
  ],
  [
    'of images alone',
    ['a.png', 'b.png'],
    '2 images and 0 masks',
    'If the masks are elsewhere, name their folder with `maskFolder`; if their names end otherwise, with `maskSuffix`.',
  ],
  [
    'with masks in a folder of another name',
    ['images/a.png', 'truth/a.png'],
    '0 images and 0 masks, 2 folders (images, truth)',
    'Name the two folders with `imageFolder` and `maskFolder`.',
  ],
] as const) {
  test(`a folder ${what} is refused with what it holds and what may be meant`, async (t) => {
    const folder = await folderOf(t, Object.fromEntries(names.map((name) => [name, ''])));
    const error = await t.throwsAsync(MaskFolder.open(folder, {classes: ['cell']}), {code: 'INVALID_DATASET'});
    t.is(
      error!.message,
      `${folder} must hold images with instance masks, got ${found}.\n${hint.replaceAll('FOLDER', folder)}`,
    );
    t.like(error, {file: folder});
  });
}

test('annotation files of other programs are recognised', async (t) => {
  for (const [json, hint] of [
    [{_via_settings: {}, _via_img_metadata: {}}, /VGG Image Annotator \(VIA\), which `openDataset\(\)` reads/],
    [{'a.png1': {regions: [{shape_attributes: {}}]}}, /VGG Image Annotator/],
    [{version: '5', shapes: [], imagePath: 'a.png'}, /LabelMe/],
    [{info: {}}, /An instances file of COCO has images, annotations and categories\.$/],
  ] as const) {
    const folder = await folderOf(t, {'a.json': JSON.stringify(json)});
    const error = await t.throwsAsync(Coco.open(join(folder, 'a.json')), {code: 'INVALID_DATASET'});
    t.regex(error!.message, hint);
    t.like(error, {file: join(folder, 'a.json')});
  }
});
