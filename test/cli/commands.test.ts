import {existsSync, readFileSync} from 'node:fs';
import {copyFile, mkdir, readdir, rm, symlink, writeFile} from 'node:fs/promises';
import {join, relative} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {writeGlandImages} from '../../examples/glands/generate.js';
import {runCli} from '../../lib/cli/run.js';
import {readImage} from '../../lib/image/read-image.js';
import {readMask} from '../../lib/image/read-mask.js';
import type {EvaluationComparison} from '../../lib/index.js';
import {decodeRle, MaskFolder, maskRcnn} from '../../lib/index.js';
import {setPixels} from '../../lib/model/model.js';
import {readWeights} from '../../lib/weights/read-weights.js';
import {temporaryFolder} from '../examples/run-example.js';
import {recordedProgress} from '../libtorch/fake-wheel.js';
import {wideModel} from '../tiny.js';

let folder: string;
const at = (...parts: string[]) => join(folder, ...parts);

test.before(async () => {
  folder = await temporaryFolder();
  await writeGlandImages(at('data'), 'train', 6, 1);
  await writeGlandImages(at('data'), 'test', 2, 2);
  // JSON is also valid YAML.
  const {classes: _, ...model} = wideModel;
  await writeFile(
    at('tiny.yaml'),
    JSON.stringify({...model, include: 'train_*', classes: ['gland'], boxNmsThresh: 0.95, epochs: 1}),
  );
});

test.after.always(() => rm(folder, {recursive: true, force: true}));

async function maskrcnn(...args: string[]) {
  const {progress, text} = recordedProgress();
  let out = '';
  const code = await runCli(args, {out: (line) => (out += `${line}\n`), progress}, new AbortController().signal);
  return {code, out, err: text()};
}

test.serial('inspect counts, and ends with code 1 where there are faults', async (t) => {
  const {code, out} = await maskrcnn('inspect', at('data'), '--include', 'train_*', '--classes', 'gland');
  t.is(code, 0);
  t.regex(out, /^6 images, 0 of them without instances; \d+ instances\.\n/);
  t.regex(out, /\nNo faults\.\n$/);

  await writeGlandImages(at('faulty'), 'a', 2, 3);
  await writeFile(at('faulty', 'a_1.png'), 'no image');
  const faulty = await maskrcnn('inspect', at('faulty'), '--json');
  t.is(faulty.code, 1);
  const {faults, images} = JSON.parse(faulty.out);
  t.is(images, 2);
  t.like(faults, {length: 1, 0: {code: 'INVALID_IMAGE', file: at('faulty', 'a_1.png')}});
  t.regex(faulty.err, /error: The data set has 1 fault\.\n$/);
});

test.serial('inspect names what helps in the spelling of the command line', async (t) => {
  await writeFile(
    at('tiny-coco.json'),
    JSON.stringify({
      images: [{id: 1, file_name: 'nowhere.png', width: 9, height: 9}],
      annotations: [],
      categories: [{id: 1, name: 'gland'}],
    }),
  );
  const coco = await maskrcnn('inspect', at('tiny-coco.json'));
  t.is(
    coco.err,
    `error: ${at('tiny-coco.json')} has the image nowhere.png, which is not in ${folder}.\n` +
      'Name the folder of the images with --images.\n',
  );
  await mkdir(at('renamed'));
  for (const name of ['a.png', 'a_seg.png']) await copyFile(at('data', 'train_1.png'), at('renamed', name));
  t.regex(
    (await maskrcnn('inspect', at('renamed'))).err,
    /If NAME_seg is the mask of NAME, set --mask-suffix to _seg\.\n$/,
  );
});

test.serial('messages have the flags and the name of the command, not those of functions', async (t) => {
  const data = ['inspect', at('data'), '--include', 'train_*'];
  const refused = (...args: string[]) => maskrcnn(...data, ...args);
  t.like(await refused('--images', 'x'), {
    code: 2,
    err: `error: --images is not for ${at('data')}, which is a folder of images and masks.\nIt is for COCO, YOLO, LabelMe and 7 more.\n`,
  });
  const set = await refused('--set', 'val');
  t.regex(set.err, /^error: --set is not for .*\nIt is for Pascal VOC\.\n$/);
  const classes = await refused('--classes', 'a,b');
  t.regex(classes.err, /^error: Option --classes of maskrcnn inspect must be an array of 1 item/);
  const best = ['--validation', '0', '--best-by', 'ap', '--no-inspect', '--output', at('never')];
  t.like(await maskrcnn('train', at('data'), '--config', at('tiny.yaml'), ...best), {
    code: 2,
    err: "error: Option --best-by of maskrcnn train as 'ap' needs option --validation.\n",
  });
});

test.serial('inspect takes the size of training', async (t) => {
  const data = [at('data'), '--include', 'train_*'];
  const warning = /less than one pixel wide or high at the training size \(--min-size 1, --max-size 4\)/;
  const {out, err} = await maskrcnn('inspect', ...data, '--min-size', '[1, 3]', '--max-size', '4');
  t.regex(out, warning, err);
  t.notRegex((await maskrcnn('inspect', ...data)).out, /less than one pixel/);
  const fixed = await maskrcnn('inspect', ...data, '--fixed-size', '2,2');
  t.regex(fixed.out, /at the training size \(--fixed-size \[2, 2\]\)/);
  const same = await maskrcnn('inspect', ...data, '--fixed-size', '2,2', '--skip-resize');
  t.notRegex(same.out, /less than one pixel/);
  const trained = await maskrcnn(
    'train',
    ...data,
    '--config',
    at('tiny.yaml'),
    '--min-size',
    '1',
    '--max-size',
    '4',
    '--output',
    at('thin'),
    '--epochs',
    '1',
  );
  t.regex(trained.out, warning, trained.err);
});

test.serial('weights that cannot be had are told before the data set is inspected', async (t) => {
  const {code, out, err} = await maskrcnn('train', at('data'), '--include', 'train_*', '--weights', at('none.pth'));
  t.is(code, 2);
  t.is(out, '');
  t.regex(err, /none\.pth' is neither a file nor the name of detector weights/);
});

test.serial('train fills the run folder from a configuration file and flags, the flags first', async (t) => {
  const {code, out, err} = await maskrcnn(
    ...[
      'train',
      relative('.', at('data')),
      '--config',
      at('tiny.yaml'),
      '--output',
      at('run'),
      '--validation',
      '0.34',
      '--epochs',
      '2',
      // With this seed, the network finds an object several times on each of the images below.
      '--seed',
      '1',
    ],
  );
  t.is(code, 0, err);
  t.regex(out, /^training: 4 images/);
  t.regex(out, /\nvalidation: 2 images/);
  t.regex(out, /\nDone\. Best weights: .*best\.safetensors; last: .*last\.safetensors\nReport: .*report\.html\n$/);
  const options = JSON.parse(readFileSync(at('run', 'options.json'), 'utf8'));
  t.like(options, {classes: ['gland'], model: {backbone: 'resnet18', minSize: [64]}, train: {epochs: 2}});
  const command = JSON.parse(readFileSync(at('run', 'command.json'), 'utf8'));
  t.like(command, {data: at('data'), validation: 0.34, include: 'train_*', epochs: 2});
  t.regex(readFileSync(at('run', 'report.html'), 'utf8'), /best\.safetensors/, 'the gallery is of the best weights');
});

test.serial('train --resume needs the run alone, and refuses what would change its course', async (t) => {
  const before = readFileSync(at('run', 'last.safetensors'));
  const {code, out} = await maskrcnn('train', '--resume', '--output', at('run'));
  t.is(code, 0);
  t.regex(out, /^Done\./);
  t.true(before.equals(readFileSync(at('run', 'last.safetensors'))));
  const refused = await maskrcnn('train', '--resume', '--output', at('run'), '--lr', '1');
  t.is(refused.code, 2);
  t.regex(refused.err, /Option --lr of a resumed run must be 0\.005 as before, got 1\./);
  const changed = await maskrcnn('train', '--resume', '--output', at('run'), '--min-area', '3');
  t.regex(changed.err, /^error: DATA of a resumed run must have the option --min-area 1, got 3\. --validation of a/);
  t.regex(changed.err, /\n.* as --weights\. --allow-changes goes on regardless/);
});

test.serial('train --resume names what is missing', async (t) => {
  t.like(await maskrcnn('train', '--resume'), {
    code: 2,
    err: "error: maskrcnn train --resume needs --output, the run's folder, got none.\n",
  });
  const cases: [string[], string][] = [
    [[], at('none', 'command.json')],
    [[at('data')], at('none', 'last.state.safetensors')],
  ];
  for (const [args, missing] of cases) {
    const {code, err} = await maskrcnn('train', ...args, '--resume', '--output', at('none'));
    t.is(code, 2);
    t.true(err.startsWith(`error: maskrcnn train --resume needs ${missing}, and it is not there.\n`), err);
  }
  t.false(existsSync(at('none')));
  for (const auto of [['--resume=auto'], ['--resume', 'auto']]) {
    t.regex((await maskrcnn('train', ...auto, '--output', at('none'))).err, /needs DATA, got none/);
  }
});

test.serial('faulty data end train before the first step, unless it is to skip them', async (t) => {
  const args = ['train', at('faulty'), '--config', at('tiny.yaml'), '--include', 'a_*', '--validation', '0'];
  const {code, err} = await maskrcnn(...args, '--output', at('never'));
  t.is(code, 1);
  t.regex(err, /error: .*a_1\.png must be a BMP, PNG/);
  t.false(existsSync(at('never')));
  t.is((await maskrcnn(...args, '--output', at('skipping'), '--unreadable', 'skip')).code, 0);
  t.true(existsSync(at('skipping', 'last.safetensors')));
});

test.serial('an output that cannot be written ends a command before the work', async (t) => {
  await writeFile(at('file'), '');
  const commands = [
    ['train', at('data'), '--config', at('tiny.yaml')],
    ['predict', at('nowhere.safetensors'), at('data', 'test_1.png')],
    ['evaluate', at('data'), '--weights', at('nowhere.safetensors')],
  ];
  for (const command of commands) {
    const {code, out, err} = await maskrcnn(...command, '--output', at('file'));
    t.is(code, 1, command[0]);
    t.is(out, '');
    t.regex(err, /^error: .*file could not be written: ENOTDIR: [^\n]*\n$/);
  }
});

test.serial('train without --output in a folder that cannot hold runs ends before the work', async (t) => {
  const before = process.cwd();
  await mkdir(at('here'));
  await writeFile(at('here', 'runs'), '');
  process.chdir(at('here'));
  t.teardown(() => process.chdir(before));
  const {code, out, err} = await maskrcnn('train', at('data'), '--config', at('tiny.yaml'));
  t.is(code, 1);
  t.is(out, '');
  t.regex(err, /^error: runs.train could not be written: ENOTDIR: [^\n]*\n$/);
});

test.serial('report finds the validation images of the run again', async (t) => {
  await rm(at('run', 'report.html'));
  // Start in another folder than the run did, which used a relative path.
  const here = process.cwd();
  process.chdir(at('data'));
  const {code, out, err} = await maskrcnn('report', at('run'), '--worst', '1', '--score-threshold', '0');
  process.chdir(here);
  t.is(code, 0, err);
  t.is(out, `${at('run', 'report.html')}\n`);
  const html = readFileSync(at('run', 'report.html'), 'utf8');
  t.regex(html, /The worst 1 of 2 images/);
  t.regex(html, /best\.safetensors/);
  t.regex(html, /<figcaption>[^<]*train_\d\.png\n/);
  t.is((await maskrcnn('report', at('data'))).code, 1);
  for (const [args, text] of [
    [[at('run'), '--include', 'test_*'], 'report without --data takes no --include.\nThe validation images'],
    [[at('skipping'), '--worst', '1'], 'report of a run without validation images takes no --worst.\nName images'],
    [[at('skipping'), '--device', 'cpu'], 'report of a run without validation images takes no --device.\nName images'],
  ] as const) {
    const refused = await maskrcnn('report', ...args);
    t.is(refused.code, 2);
    t.true(refused.err.startsWith(`error: maskrcnn ${text}`), refused.err);
  }
  await writeFile(at('data', 'command.json'), '{"data":');
  const damaged = await maskrcnn('report', at('data'));
  t.is(damaged.code, 1);
  t.regex(damaged.err, /^error: .*command\.json is damaged, and must be a JSON object: [^\n]*\nPut back[^\n]*\n$/);
  await rm(at('data', 'command.json'));
  t.is((await maskrcnn('report')).code, 2);
});

test.serial('predict tells once of images whose lower bits are not read', async (t) => {
  const images = at('camera');
  await mkdir(images);
  const pixels = Uint16Array.from({length: 64 * 64}, (_, i) => 152 + (i % 1655));
  const raw = {width: 64, height: 64, channels: 1} as const;
  for (const name of ['a.png', 'b.png']) {
    await sharp(pixels, {raw}).toColourspace('grey16').png().toFile(join(images, name));
  }
  const {code, err} = await maskrcnn('predict', at('run', 'last.safetensors'), images, '--output', at('dark'));
  t.is(code, 0);
  t.regex(
    err,
    /Warning: 2 images are read by their upper 8 bits only: .*a\.png has 16 bits per sample, values 152 to 1806 of 65535/,
  );
  t.is(err.match(/Warning/g)?.length, 1);
});

test.serial('predict writes what is asked for, goes on after an unreadable image, and ends with code 1', async (t) => {
  const output = at('found');
  const {code, out, err} = await maskrcnn(
    ...['predict', at('run', 'last.safetensors'), at('data', 'test_?.png'), at('faulty', 'a_1.png')],
    ...['--save', 'overlay,json,coco,labels', '--output', output, '--score-threshold', '0'],
  );
  t.is(code, 1);
  t.regex(err, /error: .*a_1\.png must be .*\n(.*\n)*error: 1 image of 3 failed\.\n$/);
  t.regex(
    out,
    /test_1\.png: \d+ objects?.*\n.*test_2\.png: \d+ objects?.*\nThe results of 2 of 3 images are in .*found\.\n$/,
  );
  const names = ['test_1', 'test_2'].flatMap((stem) => [`${stem}.json`, `${stem}_overlay.png`, `${stem}_labels.png`]);
  t.deepEqual((await readdir(output)).sort(), [...names, 'images.json', 'results.json'].sort());

  const found = JSON.parse(readFileSync(join(output, 'test_1.json'), 'utf8'));
  t.like(found, {file: at('data', 'test_1.png'), width: 160, height: 160});
  t.true(found.objects.length > 0);
  t.is((await readImage(join(output, 'test_1_overlay.png'))).width % 160, 0);
  const labels = await readMask(join(output, 'test_1_labels.png'));
  t.is(labels.bits, 16);
  const ids = found.objects.map(({id}: {id: number}) => id);
  const {missing, ...labelled} = found.labels;
  t.deepEqual(labelled, {onTop: 'better'});
  t.true(missing.length > 0, 'this network finds the same object several times');
  t.deepEqual(
    ids.filter((id: number) => !missing.includes(id)),
    [...new Set(labels.ids)].filter(Boolean).sort((a, b) => a - b),
  );
  t.regex(out, new RegExp(`test_1\\.png: .* objects; not in the label mask: ${missing.join(', ')}\n`));
  t.regex(err, /The label masks of 2 images lack objects: better ones cover more than half of them/);
  const images = JSON.parse(readFileSync(join(output, 'images.json'), 'utf8'));
  t.deepEqual(
    images.map(({id}: {id: number}) => id),
    [1, 2],
  );
  const results = JSON.parse(readFileSync(join(output, 'results.json'), 'utf8'));
  t.is(results.filter((result: {image_id: number}) => result.image_id === 1).length, found.objects.length);
});

test.serial('predict writes tables of the objects, with the ids and classes of the JSON', async (t) => {
  const output = at('tables');
  const args = ['predict', at('run', 'last.safetensors'), at('data', 'test_?.png'), '--output', output];
  const {code, err} = await maskrcnn(
    ...[...args, '--save', 'csv,json', '--score-threshold', '0', '--microns-per-pixel', '0.5'],
  );
  t.is(code, 0, err);
  t.deepEqual((await readdir(output)).sort(), ['counts.csv', 'objects.csv', 'test_1.json', 'test_2.json']);
  const lines = (name: string) => readFileSync(join(output, name), 'utf8').split('\r\n').slice(0, -1);
  const [header, ...rows] = lines('objects.csv').map((line) => line.split(','));
  const cell = (row: string[], name: string) => row[header!.indexOf(name)]!;
  const counts = ['image,class,count'];
  let next = 0;
  for (const name of ['test_1', 'test_2']) {
    const {objects} = JSON.parse(readFileSync(join(output, `${name}.json`), 'utf8'));
    t.true(objects.length > 0);
    counts.push(`${at('data', `${name}.png`)},gland,${objects.length}`);
    for (const {id, class: className, score, mask} of objects) {
      const row = rows[next++]!;
      t.deepEqual(row.slice(0, 4), [at('data', `${name}.png`), String(id), className, String(score)]);
      const area = decodeRle(mask).filter(Boolean).length;
      t.is(Number(cell(row, 'area')), area);
      t.is(Number(cell(row, 'area_um2')), area / 4);
      t.is(cell(row, 'intensity_mean-2') === '', area === 0);
    }
  }
  t.is(rows.length, next);
  t.deepEqual(lines('counts.csv'), counts);

  const plain = await maskrcnn(...args, '--save', 'csv', '--score-threshold', '1');
  t.is(plain.code, 0, plain.err);
  t.is(lines('objects.csv').length, 1);
  t.false(lines('objects.csv')[0]!.includes('_um'));
  t.deepEqual(
    lines('counts.csv'),
    counts.map((line) => line.replace(/,\d+$/, ',0')),
  );
  const refused = await maskrcnn(...args, '--microns-per-pixel', '0.5');
  t.regex(refused.err, /maskrcnn predict without csv in --save takes no --microns-per-pixel\./);
  const wrong = await maskrcnn(...args, '--save', 'csv', '--microns-per-pixel', '0');
  t.regex(wrong.err, /--microns-per-pixel of maskrcnn predict must be a number > 0, got 0/);
});

test.serial(
  'no two files that predict writes have one name, and an image that is named twice is read once',
  async (t) => {
    const [image, folder] = [at('data', 'test_1.png'), at('same')];
    await mkdir(join(folder, 'other'), {recursive: true});
    for (const name of ['a.png', 'results.png', 'Images.png', join('other', 'A.png')]) {
      await copyFile(image, join(folder, name));
    }
    const inputs = [folder, join(folder, 'other', '..', 'a.png'), join(folder, 'other')];
    // A path relative to the current folder, wherever that is.
    inputs.push(relative('.', join(folder, 'a.png')));
    const args = ['--save', 'overlay,json,coco,labels', '--output', at('apart')];
    const {code, out, err} = await maskrcnn('predict', at('run', 'last.safetensors'), ...inputs, ...args);
    t.is(code, 0, err);
    t.is(out.match(/\.png: /g)!.length, 4);
    const stems = ['A-2', 'Images-2', 'a', 'results-2'];
    const names = stems.flatMap((stem) => [`${stem}.json`, `${stem}_overlay.png`, `${stem}_labels.png`]);
    t.deepEqual((await readdir(at('apart'))).sort(), [...names, 'images.json', 'results.json'].sort());
    t.is(JSON.parse(readFileSync(at('apart', 'images.json'), 'utf8')).length, 4);
  },
);

test.serial('predict replaces no image that it reads', async (t) => {
  const weights = at('run', 'last.safetensors');
  await mkdir(at('photos'));
  // The content decides what an image is, not the name.
  const image = at('photos', 'a.json');
  await copyFile(at('data', 'test_1.png'), image);
  await symlink(at('photos'), at('link'));
  const before = readFileSync(image);
  for (const output of [at('photos'), at('link'), at('photos', '..', 'photos')]) {
    const {code, err} = await maskrcnn('predict', weights, image, '--output', output);
    t.is(code, 2);
    t.regex(
      err,
      /^error: Option --output .* must be a folder where no image that is read is replaced, got '.*': .*a\.json would be\.\nName/,
    );
  }
  t.deepEqual(await readdir(at('photos')), ['a.json']);
  t.true(before.equals(readFileSync(image)));
});

test.serial('predict replaces no file beside the images that is not its own to replace', async (t) => {
  const image = at('beside', 't.png');
  await mkdir(at('beside'));
  await copyFile(at('data', 'test_1.png'), image);
  const args = ['predict', at('run', 'last.safetensors'), image, '--score-threshold', '0'];
  for (const [format, name] of [
    ['json', 't.json'],
    ['labels', 't_labels.png'],
    ['overlay', 't_overlay.png'],
    ['coco', 'results.json'],
  ] as const) {
    const own = at('beside', name);
    await writeFile(own, 'made by hand');
    const {code, err} = await maskrcnn(...args, '--save', format, '--output', at('beside'));
    t.is(code, 2);
    t.regex(
      err,
      new RegExp(`^error: .* must not replace files beside the images, and .*${name} is there\\.\\n.*--overwrite`),
    );
    t.is(readFileSync(own, 'utf8'), 'made by hand');
    t.is((await maskrcnn(...args, '--save', format, '--output', at('beside'), '--overwrite')).code, 0);
    t.not(readFileSync(own, 'utf8'), 'made by hand');
  }
});

test.serial('predict reads nothing that it writes, and what it writes is a data set with its images', async (t) => {
  await mkdir(at('again'));
  for (const i of [1, 2]) await copyFile(at('data', `test_${i}.png`), at('again', `t_${i}.png`));
  const predictInto = (...inputs: string[]) => {
    const args = ['--output', at('again'), '--save', 'overlay,json,labels', '--score-threshold', '0', '--overwrite'];
    return maskrcnn('predict', at('run', 'last.safetensors'), ...inputs, ...args);
  };
  t.is((await predictInto(at('again'))).code, 0);
  const first = (await readdir(at('again'))).sort();
  t.is(first.length, 8);
  const all = first.filter((name) => name.endsWith('.png')).map((name) => at('again', name));
  for (const inputs of [[at('again')], [at('again', '*.png')], all]) {
    const {code, out, err} = await predictInto(...inputs);
    t.is(code, 0, err);
    t.is(out.match(/objects?\b/g)!.length, 2);
    t.regex(err, /Left out 4 files by name, as masks or pictures that maskrcnn writes, such as .*t_1_labels\.png\.\n/);
    t.deepEqual((await readdir(at('again'))).sort(), first);
  }
  const alone = await predictInto(at('again', 't_1_overlay.png'));
  t.is(alone.code, 2);
  t.regex(alone.err, /t_1_overlay\.png is a mask, or a picture that maskrcnn writes, by its name\. Rename it/);

  const data = await MaskFolder.open(at('again'), {classes: ['gland']});
  t.deepEqual(
    data.files.map(({name}) => name),
    ['t_1', 't_2'],
  );
  const {objects, labels} = JSON.parse(readFileSync(at('again', 't_1.json'), 'utf8'));
  t.is((await data.get(0)).instances.length, objects.length - labels.missing.length);
});

test.serial('predict takes no picture of a run, and no mask beside its image', async (t) => {
  const weights = at('run', 'last.safetensors');
  const args = ['--save', 'json', '--output', at('not-pictures')];
  for (const folder of [at('run'), at('run', 'batches'), at('run', 'validation')]) {
    t.true((await readdir(folder)).some((name) => name.endsWith('.png')));
    const {code, err} = await maskrcnn('predict', weights, folder, '--recursive', ...args);
    t.is(code, 2);
    t.regex(err, /must hold images, and has none\.\n.*\.png is a mask, or a picture that maskrcnn writes/);
  }
  const {code, err} = await maskrcnn('predict', weights, at('data'), ...args);
  t.is(code, 0, err);
  t.regex(err, /Left out 8 files by name/);
  t.is((await readdir(at('not-pictures'))).length, 8);
});

test.serial('predict says that subfolders hold images, and searches them on request', async (t) => {
  const folder = at('tree');
  const image = at('data', 'test_1.png');
  for (const below of ['', 'x', join('x', 'deep'), 'y', '.hidden']) {
    await mkdir(join(folder, below), {recursive: true});
    await copyFile(image, join(folder, below, below === '' ? 'top.png' : 'a.png'));
  }
  await writeFile(join(folder, '._top.png'), 'left by macOS');
  const weights = at('run', 'last.safetensors');
  const shallow = await maskrcnn('predict', weights, folder, '--output', at('shallow'));
  t.is(shallow.code, 0, shallow.err);
  t.true(
    shallow.err.startsWith(`Subfolders are not searched, and hold images such as ${join(folder, 'x', 'a.png')}: see`),
  );
  t.deepEqual((await readdir(at('shallow'))).sort(), ['top.json', 'top_overlay.png']);
  await rm(join(folder, 'top.png'));
  const none = await maskrcnn('predict', weights, folder, '--output', at('shallow'));
  t.is(none.code, 2);
  t.regex(
    none.err,
    /must hold images, and has none\.\nIts subfolders hold images, such as .*a\.png: pass --recursive\.\n$/,
  );

  const args = ['--recursive', '--save', 'json,labels,coco', '--output', at('deep')];
  const {code, out, err} = await maskrcnn('predict', weights, folder, ...args);
  t.is(code, 0, err);
  t.false(err.includes('Subfolders'));
  t.is(out.match(/a\.png: /g)!.length, 3);
  const written = (await readdir(at('deep'), {recursive: true})).filter((name) => name.endsWith('a.json')).sort();
  t.deepEqual(written, [join('x', 'a.json'), join('x', 'deep', 'a.json'), join('y', 'a.json')]);
});

test.serial('predict puts the smaller object on top on request, and writes overlays in other formats', async (t) => {
  const args = ['predict', at('run', 'last.safetensors'), at('data', 'test_1.png'), '--output', at('formats')];
  const found = await maskrcnn(
    ...args,
    ...['--save', 'overlay,labels,json', '--score-threshold', '0', '--on-top', 'smaller'],
    ...['--overlay-format', 'jpeg', '--overlay-quality', '50', '--overlay-scale', '1'],
  );
  t.is(found.code, 0, found.err);
  t.deepEqual((await readdir(at('formats'))).sort(), ['test_1.json', 'test_1_labels.png', 'test_1_overlay.jpg']);
  t.is((await readImage(at('formats', 'test_1_overlay.jpg'))).width, 160);
  const {labels} = JSON.parse(readFileSync(at('formats', 'test_1.json'), 'utf8'));
  t.is(labels.onTop, 'smaller');
  for (const [flags, message] of [
    [
      ['--save', 'json', '--overlay-format', 'jpeg'],
      'maskrcnn predict without overlay in --save takes no --overlay-format.',
    ],
    [['--on-top', 'smaller'], 'maskrcnn predict without labels in --save takes no --on-top.'],
    [['--overlay-quality', '50'], 'maskrcnn predict takes a quality for JPEG and WebP only, got 50 for PNG.'],
  ] as const) {
    const refused = await maskrcnn(...args, ...flags);
    t.is(refused.code, 2);
    t.true(refused.err.startsWith(`error: ${message}\n`), refused.err);
  }
});

test.serial('predict replaces its own overlays in another format, and no other pictures', async (t) => {
  const image = at('data', 'test_1.png');
  const folder = at('second');
  const predictInto = async (format: string, ...args: string[]) => {
    const options = ['--overlay-format', format, '--output', folder, '--score-threshold', '0', ...args];
    const {code, err} = await maskrcnn('predict', at('run', 'last.safetensors'), image, ...options);
    t.is(code, 0, err);
    return {err, names: (await readdir(folder)).sort()};
  };
  await predictInto('png');
  const second = await predictInto('jpeg');
  t.deepEqual(second.names, ['test_1.json', 'test_1_overlay.jpg']);
  t.regex(
    second.err,
    /Removed 1 overlay of an earlier prediction in another format, such as .*test_1_overlay\.png\.\n/,
  );
  t.notRegex((await predictInto('jpeg')).err, /overlay/);

  // Of another image of that name, or of none that is known.
  for (const json of ['{"file": "elsewhere/test_1.png", "objects": []}', '']) {
    await writeFile(join(folder, 'test_1.json'), json);
    const {err, names} = await predictInto('webp', '--save', 'overlay');
    t.deepEqual(names, ['test_1.json', 'test_1_overlay.jpg', 'test_1_overlay.webp']);
    t.regex(
      err,
      /Kept 1 overlay in another format, perhaps of an earlier prediction, such as .*test_1_overlay\.jpg\.\n/,
    );
  }
});

test.serial('beside the images, predict removes an overlay only with --overwrite', async (t) => {
  const image = at('next-to', 'a.png');
  await mkdir(at('next-to'));
  await copyFile(at('data', 'test_1.png'), image);
  const predictInto = (...args: string[]) =>
    maskrcnn('predict', at('run', 'last.safetensors'), image, '--output', at('next-to'), ...args);
  t.is((await predictInto()).code, 0);
  const jpeg = ['--overlay-format', 'jpeg', '--save', 'overlay'];
  t.regex((await predictInto(...jpeg)).err, /Kept 1 overlay in another format/);
  t.true(existsSync(at('next-to', 'a_overlay.png')));
  t.regex((await predictInto(...jpeg, '--overwrite')).err, /Removed 1 overlay/);
  t.deepEqual((await readdir(at('next-to'))).sort(), ['a.json', 'a.png', 'a_overlay.jpg']);
});

test.serial('predict that finds nothing tells the best score below the threshold, or that there is none', async (t) => {
  const image = at('data', 'test_1.png');
  const predicted = async (weights: string, threshold: string) => {
    const args = ['--save', 'json', '--output', at('nothing'), '--score-threshold', threshold];
    const {code, out, err} = await maskrcnn('predict', weights, image, ...args);
    t.is(code, 0, err);
    return out.split('\n')[0]!.slice(image.length + 2);
  };
  const weights = at('run', 'last.safetensors');
  await predicted(weights, '0');
  const [best] = JSON.parse(readFileSync(at('nothing', 'test_1.json'), 'utf8')).objects;
  const {score} = best as {score: number};
  t.is(await predicted(weights, '0.999'), `nothing above 0.999; the best was ${score.toFixed(2)} (gland)`);
  // A score that would be rounded to the threshold is given more digits.
  const threshold = Math.ceil(score * 1000) / 1000;
  const said = /^nothing above (.*); the best was (.*) \(gland\)$/.exec(await predicted(weights, String(threshold)))!;
  t.is(Number(said[1]), threshold);
  t.true(Number(said[2]) <= threshold);

  const strict = at('strict.safetensors');
  await using model = await maskRcnn({weights, boxScoreThresh: 0.9999});
  await model.save(strict);
  const limit = 'the network gives no lower scores (boxScoreThresh)';
  t.is(await predicted(strict, '0.5'), `nothing above 0.9999; ${limit}`);
  t.is(await predicted(strict, '0.99995'), `nothing above 0.99995, nor above 0.9999; ${limit}`);
});

test.serial('predict names the image that is too thin for the network', async (t) => {
  const create = {width: 1, height: 3000, channels: 3, background: 'white'} as const;
  await sharp({create}).toFile(at('thin.png'));
  const {code, err} = await maskrcnn(
    'predict',
    at('run', 'last.safetensors'),
    at('thin.png'),
    '--output',
    at('nothing'),
  );
  t.is(code, 1);
  t.true(err.includes(`error: ${at('thin.png')} of 1 × 3000 pixels is too thin for the network`), err);
});

test.serial('predict says of nothing that it is somewhere if no image could be read', async (t) => {
  const args = ['predict', at('run', 'last.safetensors'), at('faulty', 'a_1.png'), '--save', 'overlay,json,coco'];
  const {code, out} = await maskrcnn(...args, '--output', at('no-output'));
  t.is(code, 1);
  t.is(out, '');
  t.false(existsSync(at('no-output')));
});

test.serial('predict refuses inputs that name no image', async (t) => {
  const weights = at('run', 'last.safetensors');
  const none = await maskrcnn('predict', weights, at('data', 'nothing_*.png'));
  t.is(none.code, 2);
  t.is(none.err, `error: No file matches ${at('data', 'nothing_*.png')}.\n`);
  const absent = await maskrcnn('predict', weights, at('nowhere.png'));
  t.is(absent.err, `error: ${at('nowhere.png')} does not exist.\n`);
  t.regex(
    (await maskrcnn('predict', weights)).err,
    /takes WEIGHTS and at least one image, got '.*last\.safetensors'\.\nSee/,
  );
});

test.serial('compare scores several weights, and refuses what it cannot compare', async (t) => {
  const [best, last] = [at('run', 'best.safetensors'), at('run', 'last.safetensors')];
  const data = [at('data'), '--include', 'test_*', '--classes', 'gland'];
  const flags = ['--output', at('compared'), '--resamples', '20', '--score-threshold', '0'];
  const {code, out, err} = await maskrcnn('compare', best, last, ...data, ...flags);
  t.is(code, 0, err);
  t.true(out.startsWith(`1  ${best}\n2  ${last}\n`), out);
  t.regex(out, /^mask AP +\d\.\d{3} +\d\.\d{3} +[+-]?\d\.\d{3} /m);
  t.regex(out, /2 images\. .* in 20 resamples/);
  t.true(err.includes(`The page is ${at('compared', 'comparison.html')}.`), err);
  t.regex(readFileSync(at('compared', 'comparison.html'), 'utf8'), /<h2>Main scores<\/h2>/);
  const json = await maskrcnn('compare', best, last, ...data, ...flags, '--json');
  const evaluated = await maskrcnn('evaluate', ...data, '--weights', last, '--json', '--output', at('compared', 'one'));
  const {scores} = JSON.parse(json.out) as EvaluationComparison;
  t.is(scores.find(({path}) => path.join('.') === 'segm.ap')!.values[1]!, JSON.parse(evaluated.out).segm.ap);
  const twice = await maskrcnn('compare', best, best, ...data);
  t.deepEqual([twice.code, twice.err], [2, `error: maskrcnn compare takes each WEIGHTS once, got ${best} twice.\n`]);
  {
    await using model = await maskRcnn({weights: best});
    setPixels(model, {range: 'percentile'});
    await model.save(at('percentile.safetensors'));
  }
  const pixels = await maskrcnn('compare', best, at('percentile.safetensors'), ...data, ...flags);
  t.regex(pixels.err, /percentile\.safetensors was trained on images read in another way than .*best\.safetensors/);
  t.is((await maskrcnn('compare', best, at('percentile.safetensors'), ...data, ...flags, '--range', 'full')).code, 0);
  const one = await maskrcnn('compare', best, at('data'));
  t.regex(one.err, /maskrcnn compare takes at least two WEIGHTS and then DATA, got /);
});

test.serial('evaluate scores weights, and the results that it wrote to the same numbers', async (t) => {
  const data = ['evaluate', at('data'), '--include', 'test_*', '--classes', 'gland', '--json'];
  const weights = await maskrcnn(...data, '--weights', at('run', 'last.safetensors'), '--output', at('scores'));
  t.is(weights.code, 0, weights.err);
  for (const name of ['worst.png', 'report.html', 'images.csv']) t.true(existsSync(at('scores', name)), name);
  const results = await maskrcnn(...data, '--results', at('scores', 'results.json'));
  t.is(results.code, 0, results.err);
  const {segm, pixel, objects, counts, scoreThreshold} = JSON.parse(weights.out);
  t.deepEqual(JSON.parse(results.out).segm, segm);
  t.is(pixel.images, 2);
  t.is(scoreThreshold, 0.5);
  t.is(counts.predicted, objects.predicted + objects.dropped);
  t.is(counts.predicted - counts.truth, Math.round(2 * counts.meanError));
  t.is((await maskrcnn(...data)).code, 2);
  for (const [flag, value] of Object.entries({
    output: 'x',
    views: '2',
    'score-threshold': '0',
    device: 'cpu',
    precision: 'float32',
  })) {
    const refused = await maskrcnn(...data, '--results', at('scores', 'results.json'), `--${flag}`, value);
    t.is(refused.code, 2);
    t.true(refused.err.startsWith(`error: maskrcnn evaluate --results takes no --${flag}.\n`), refused.err);
  }
});

test.serial('predict and evaluate look at an image in as many ways as they are told', async (t) => {
  const weights = at('run', 'last.safetensors');
  const scoresIn = async (views: string) => {
    const args = ['predict', weights, at('data', 'test_1.png'), '--save', 'json', '--output', at(`views-${views}`)];
    t.is((await maskrcnn(...args, '--views', views, '--score-threshold', '0')).code, 0);
    const {objects} = JSON.parse(readFileSync(at(`views-${views}`, 'test_1.json'), 'utf8'));
    return objects.map(({score}: {score: number}) => score);
  };
  t.notDeepEqual(await scoresIn('4'), await scoresIn('1'));
  const data = ['evaluate', at('data'), '--include', 'test_1.png', '--classes', 'gland', '--weights', weights];
  const evaluated = await maskrcnn(...data, '--views', '4', '--output', at('views-scores'));
  t.is(evaluated.code, 0, evaluated.err);
  t.regex(evaluated.out, /\nobjects per image +true +detected +bias abs\. error\ngland /);
  t.regex(evaluated.out, /scores are of the detections above the score 0\.5\./);
  const results = JSON.parse(readFileSync(at('views-scores', 'results.json'), 'utf8'));
  t.deepEqual(
    results.map(({score}: {score: number}) => score),
    await scoresIn('4'),
  );
  const refused = await maskrcnn(...data, '--views', '3');
  t.is(refused.code, 2);
  t.regex(refused.err, /--views of maskrcnn evaluate must be one of 1, 2, 4, got 3/);
});

test.serial('convert keeps names, shapes and values, and refuses other endings', async (t) => {
  const {code, out} = await maskrcnn('convert', at('run', 'best.safetensors'), at('best.pth'));
  t.is(code, 0);
  t.regex(out, /best\.pth: \d+ tensors\.\n$/);
  t.is((await maskrcnn('convert', at('best.pth'), at('again.safetensors'))).code, 0);
  t.true(readFileSync(at('run', 'best.safetensors')).equals(readFileSync(at('again.safetensors'))));
  t.is((await readWeights(at('best.pth'))).format, 'pth-zip');
  t.like(await maskrcnn('convert', at('best.pth'), at('best.onnx')), {
    code: 2,
    err: `error: A model is saved as .safetensors, .pth or .pt, got '${at('best.onnx')}'.\n`,
  });
});

test.serial('export writes an ONNX file and says what is in it', async (t) => {
  const {code, out, err} = await maskrcnn('export', at('run'), at('run.onnx'), '--half', '--masks', 'box');
  t.is(code, 0, err);
  t.regex(out, /is a folder: took .*best\.safetensors\.\n/);
  t.regex(out, /run\.onnx: \d+\.\d MB, opset 11, uint8 image, masks: box, classes: gland\.\n$/);
  const refused = await maskrcnn('export', at('run', 'best.safetensors'), at('run.onnx'), '--masks', 'boxes');
  t.is(refused.code, 2);
  t.regex(refused.err, /--masks of maskrcnn export must be one of 'image', 'box', 'none', got 'boxes'/);
});

test.serial('the folder of a run means its best weights, and its state is told to be no weights', async (t) => {
  const [run, best] = [at('run'), at('run', 'best.safetensors')];
  const commands = (weights: string) => [
    ['predict', weights, at('data', 'test_1.png'), '--save', 'json', '--output', at('of-run')],
    ['evaluate', at('data'), '--include', 'test_1.png', '--weights', weights, '--output', at('of-run')],
    ['convert', weights, at('of-run.pth')],
  ];
  for (const command of commands(run)) {
    const {code, out, err} = await maskrcnn(...command);
    t.is(code, 0, err);
    t.true(`${err}\n${out}`.includes(`${run} is a folder: took ${best}.\n`), command[0]);
  }
  for (const command of commands(at('run', 'last.state.safetensors'))) {
    const {code, err} = await maskrcnn(...command);
    t.is(code, 1);
    t.regex(
      err,
      /last\.state\.safetensors is the state that a run resumes from, .*\nName .*best\.safetensors or .*last/,
    );
  }
});

test.serial('a data set that is not there is told by its path', async (t) => {
  for (const command of ['inspect', 'train', 'evaluate']) {
    const weights = command === 'evaluate' ? ['--weights', 'x'] : [];
    const {code, err} = await maskrcnn(command, at('nowhere'), ...weights);
    t.is(code, 1);
    t.is(err, `error: ${at('nowhere')} does not exist.\n`);
    t.is((await maskrcnn(command, ...weights)).code, 2);
  }
  const elsewhere = await maskrcnn('inspect', at('tiny-coco.json'), '--images', at('nowhere'));
  t.is(elsewhere.err, `error: ${at('nowhere')} does not exist.\n`);
  t.is((await MaskFolder.open(at('data'), {classes: ['gland']})).length, 8);
});

test.serial('a single image is no data set', async (t) => {
  const image = at('data', 'train_1.png');
  for (const command of [['inspect'], ['train'], ['evaluate', '--results', 'x']]) {
    const {code, err} = await maskrcnn(...command, image);
    t.is(code, 1);
    t.true(
      err.startsWith(`error: ${image} is a single image, and must be a data set.\nA data set is a folder of`),
      err,
    );
  }
});
