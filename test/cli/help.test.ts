import {copyFile, mkdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {writeGlandImages} from '../../examples/glands/generate.js';
import {DATA_OPTIONS} from '../../lib/cli/data-options.js';
import {flagName, readFlags} from '../../lib/cli/flags.js';
import {commands, runCli} from '../../lib/cli/run.js';
import {TRAIN_CONFIG} from '../../lib/cli/train-config.js';
import {MaskFolder} from '../../lib/index.js';
import {temporaryFolder} from '../examples/run-example.js';
import {recordedProgress} from '../libtorch/fake-wheel.js';
import {tinyModel} from '../tiny.js';

let folder: string;
test.before(async () => {
  folder = await temporaryFolder();
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

async function run(...args: string[]) {
  const {progress, text} = recordedProgress();
  let out = '';
  const code = await runCli(args, {out: (line) => (out += `${line}\n`), progress}, new AbortController().signal);
  return {code, out, err: text()};
}

/** The help text of each flag. If several kinds of data sets have the flag, their texts are joined. */
async function explained(command: string): Promise<Map<string, string>> {
  const {out} = await run(command, '--help');
  const entries = new Map<string, string>();
  for (const [, flag, text] of out.matchAll(/^ {2}--([\w-]+)((?:.*\n)(?: {20,}.*\n)*)/gm)) {
    entries.set(flag!, `${entries.get(flag!) ?? ''} ${text!.replaceAll(/\s+/g, ' ').trim()}`.trim());
  }
  return entries;
}

/** The examples in a command's help, split into words as by a shell. */
async function examples(command: string): Promise<string[][]> {
  const {out} = await run(command, '--help');
  return Array.from(out.matchAll(/^ {2}maskrcnn (.*)$/gm), ([, line]) =>
    Array.from(line!.matchAll(/'([^']*)'|\S+/g), ([word, quoted]) => quoted ?? word),
  );
}

test('help NAME is NAME --help', async (t) => {
  for (const {name} of commands) {
    const help = await run('help', name);
    t.deepEqual(help, await run(name, '--help'));
    t.is(help.code, 0);
    t.true(help.out.startsWith(`Usage: maskrcnn ${name} `), help.out);
  }
  t.deepEqual(await run('help'), await run('--help'));
  t.like(await run('help', 'trian'), {
    code: 2,
    err: "error: maskrcnn has no command 'trian'.\nDid you mean 'train'?\n",
  });
});

test('every option of a command is in its help, with what it means', async (t) => {
  for (const {name, options} of commands) {
    const entries = await explained(name);
    for (const option of Object.keys(options)) {
      const flags = [flagName(option), `no-${flagName(option)}`, ...(option === 'data' ? ['validation'] : [])];
      const meaning = flags.map((flag) => entries.get(flag)).find((text) => text !== undefined);
      t.true(meaning !== undefined && !/^(Takes|$)/.test(meaning), `${name} --${flags[0]}: ${meaning}`);
    }
  }
});

test('the options of a data set are in the help of each command that reads one', async (t) => {
  for (const command of ['inspect', 'train', 'evaluate', 'compare', 'report']) {
    const entries = await explained(command);
    for (const option of Object.keys(DATA_OPTIONS)) t.true(entries.has(flagName(option)), `${command} ${option}`);
  }
});

test('the help of train is the comments on the options, has each once, and offers nothing that cannot be written', async (t) => {
  const entries = await explained('train');
  t.is(
    entries.get('batch-size'),
    'Images per batch, of each process of a group. The last batch of an epoch may be smaller. Default 2. Takes an integer >= 1.',
  );
  t.regex(entries.get('freeze')!, /there is --trainable-backbone-layers of maskRcnn\(\)/);
  const {out} = await run('train', '--help');
  for (const option of Object.keys(TRAIN_CONFIG)) {
    const count = out.match(new RegExp(`^ {2}--${flagName(option)}\\b(?!-)`, 'gm'))?.length ?? 0;
    // Two kinds of data sets may have more than one class.
    t.true(count <= (option === 'classes' ? 3 : 1), `${option}: ${count}`);
  }
  t.notRegex(out, /a function|AbortSignal/);
  t.regex((await run('train', 'x', '--augment', 'hflop')).err, /must be one of 'none', .*\nDid you mean 'hflip'\?\n$/);
});

test('every command has examples, whose options and arguments it takes', async (t) => {
  for (const {name, options, takes} of commands) {
    const lines = await examples(name);
    t.true(lines.length > 0, name);
    for (const [command, ...args] of lines) {
      t.is(command, name);
      const {positionals} = readFlags(args, options, `maskrcnn ${name}`);
      t.true(positionals.length >= takes.min && positionals.length <= takes.max, args.join(' '));
    }
  }
});

test.serial(
  'the example of train with two files of COCO’s form takes the images of each from its own folder',
  async (t) => {
    const drawn = join(folder, 'drawn');
    for (const [part, count] of [
      ['train', 4],
      ['val', 2],
    ] as const) {
      await writeGlandImages(drawn, part, count, 1);
      const images = Array.from({length: count}, (_, i) => ({
        id: i,
        file_name: `${part}_${i + 1}.png`,
        width: 160,
        height: 160,
      }));
      await mkdir(join(folder, part));
      for (const {file_name} of images) await copyFile(join(drawn, file_name), join(folder, part, file_name));
      const masks = await MaskFolder.open(drawn, {classes: ['gland'], include: `${part}_*`});
      const annotations = [];
      for (const [image_id] of images.entries()) {
        const {instances} = await masks.get(image_id);
        for (const [x0, y0, x1, y1] of instances.map(({box}) => box)) {
          const bbox = [x0, y0, x1 - x0, y1 - y0];
          const segmentation = [[x0, y0, x1, y0, x1, y1, x0, y1]];
          annotations.push({
            id: annotations.length,
            image_id,
            category_id: 1,
            bbox,
            area: bbox[2]! * bbox[3]!,
            iscrowd: 0,
            segmentation,
          });
        }
      }
      const content = {images, annotations, categories: [{id: 1, name: 'gland'}]};
      await writeFile(join(folder, `instances_${part}.json`), JSON.stringify(content));
    }
    const {classes: _, ...model} = tinyModel;
    await writeFile(join(folder, 'tiny.yaml'), JSON.stringify({...model, epochs: 1, log: 'silent'}));

    const example = (await examples('train')).find((words) => words.includes('instances_train.json'))!;
    const weights = example.indexOf('--weights');
    t.is(example[weights + 1], 'COCO_V1');
    const [here, write] = [process.cwd(), process.stderr.write];
    let shown = '';
    process.chdir(folder);
    process.stderr.write = (text) => {
      shown += text;
      return true;
    };
    t.teardown(() => {
      process.chdir(here);
      process.stderr.write = write;
    });
    // The weights in the example would have to be downloaded, so leave them out.
    const {code, out, err} = await run(...example.toSpliced(weights, 2), '--config', 'tiny.yaml');
    t.is(code, 0, err);
    t.regex(out, /^training: 4 images.*\n(.*\n)*validation: 2 images.*\n(.*\n)*Done\./);
    t.is(err + shown, '', 'the log is silent');
  },
);
