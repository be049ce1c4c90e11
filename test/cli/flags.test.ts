import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {bool, either, integer, listOf, number, oneOf, text} from '../../lib/basics/schema.js';
import {readConfigFile} from '../../lib/cli/config-file.js';
import {flagName, readFlags} from '../../lib/cli/flags.js';
import {MODEL_OPTIONS} from '../../lib/model/check-options.js';
import {TRAIN_OPTIONS} from '../../lib/train/check-options.js';
import {temporaryFolder} from '../libtorch/fake-wheel.js';

const {data, ...trainOptions} = TRAIN_OPTIONS;
const read = (...args: string[]) => readFlags(args, {...MODEL_OPTIONS, ...trainOptions}, 'maskrcnn train').options;

test('options are written with dashes for capitals', (t) => {
  t.is(flagName('rpnPreNmsTopNTrain'), 'rpn-pre-nms-top-n-train');
  t.deepEqual(read('--rpn-pre-nms-top-n-train', '500', '--lr=0.01'), {rpnPreNmsTopNTrain: 500, lr: 0.01});
});

test('a value is text where text will do, else YAML, else a list parted by commas', (t) => {
  const cases: [string[], object][] = [
    [['--output', '007'], {output: '007'}],
    [['--device', 'cuda:1'], {device: 'cuda:1'}],
    [['--clip-norm', 'null'], {clipNorm: null}],
    [['--min-size', '320,400'], {minSize: [320, 400]}],
    [['--min-size', '[320, 400]'], {minSize: [320, 400]}],
    [['--min-size', '320', '--min-size', '400'], {minSize: [320, 400]}],
    [['--classes', 'gland'], {classes: ['gland']}],
    [['--classes', 'cell, nucleus'], {classes: ['cell', 'nucleus']}],
    [['--classes', '1'], {classes: ['1']}],
    [['--anchor-sizes', '[[16, 24], [32]]'], {anchorSizes: [[16, 24], [32]]}],
    [['--optimizer', 'adamw'], {optimizer: 'adamw'}],
    [['--optimizer', '{type: adamw, weightDecay: 0.05}'], {optimizer: {type: 'adamw', weightDecay: 0.05}}],
    [['--group-by-aspect-ratio=4'], {groupByAspectRatio: 4}],
  ];
  for (const [args, options] of cases) t.deepEqual(read(...args), options, args.join(' '));
});

test('what may be true needs no value, and takes no argument for one', (t) => {
  const {options, positionals} = readFlags(['--ema', 'data'], trainOptions, 'x');
  t.deepEqual([options, positionals], [{ema: true}, ['data']]);
  t.deepEqual(read('--ema={decay: 0.9}'), {ema: {decay: 0.9}});
  t.deepEqual(read('--resume=auto'), {resume: 'auto'});
  t.deepEqual(read('--no-ema'), {ema: false});
  t.deepEqual(readFlags(['--', '--ema'], trainOptions, 'x').positionals, ['--ema']);
});

test('what may be true takes the next argument if that is a value of it', (t) => {
  const cases: [string[], object, string[]][] = [
    [['--resume', 'auto', 'data'], {resume: 'auto'}, ['data']],
    [['data', '--resume', 'auto', '--output', 'x'], {resume: 'auto', output: 'x'}, ['data']],
    [['--ema', '{decay: 0.9}', 'data'], {ema: {decay: 0.9}}, ['data']],
    [['--group-by-aspect-ratio', '4', 'data'], {groupByAspectRatio: 4}, ['data']],
    [['--ema', 'false', 'data'], {ema: false}, ['data']],
    [['--resume', './auto'], {resume: true}, ['./auto']],
    [['--resume', '--', 'auto'], {resume: true}, ['auto']],
    [['--no-ema', 'true'], {ema: false}, ['true']],
  ];
  for (const [args, options, positionals] of cases) {
    t.deepEqual(readFlags(args, trainOptions, 'x'), {options, positionals}, args.join(' '));
  }
});

test('mistakes are told with what would be right', (t) => {
  const schema = {
    lr: number({above: 0}),
    steps: integer({min: 1}),
    ema: bool,
    names: listOf(text),
    best: oneOf('ap', 'iou'),
  };
  const complaint = (...args: string[]) =>
    t.throws(() => readFlags(args, schema, 'tool run'), {code: 'INVALID_OPTION'})!.message;
  t.is(complaint('--lrr', '3'), "tool run has no option '--lrr'.\nDid you mean '--lr'?");
  t.is(complaint('--frobnicate'), "tool run has no option '--frobnicate'.\nSee `tool run --help`.");
  t.is(complaint('--lr'), '--lr of tool run needs a value: a number > 0.');
  t.is(complaint('--lr', 'fast'), "Option 'lr' of tool run must be a number > 0, got 'fast'.");
  t.is(complaint('--lr', '1', '--lr', '2'), "Option 'lr' of tool run must be a number > 0, got ['1', '2'].");
  t.is(
    complaint('--best', 'ao'),
    "Option 'best' of tool run must be one of 'ap', 'iou', got 'ao'.\nDid you mean 'ap'?",
  );
  t.is(complaint('--no-lr'), '--no-lr of tool run needs a value: a number > 0.');
});

test('options come from YAML and JSON files, whose mistakes name file and line', async (t) => {
  const folder = temporaryFolder(t);
  const file = (name: string, contents: string) => {
    writeFileSync(join(folder, name), contents);
    return join(folder, name);
  };
  const schema = {lr: number(), classes: listOf(text), patience: either(integer(), bool)};
  const yaml = file('a.yaml', '# a run\nlr: 0.01\nclasses: [cell, nucleus]\n');
  t.deepEqual(await readConfigFile(yaml, schema), {lr: 0.01, classes: ['cell', 'nucleus']});
  t.deepEqual(await readConfigFile(file('a.json', '{"lr": 1}'), schema), {lr: 1});
  t.deepEqual(await readConfigFile(file('empty.yaml', ''), schema), {});

  const complaint = async (path: string) => {
    const error = (await t.throwsAsync(readConfigFile(path, schema), {code: 'INVALID_OPTION'}))!;
    t.like(error, {file: path});
    return error.message;
  };
  t.regex(await complaint(file('bad.yaml', 'lr: 1\nclasses: [\n')), /bad\.yaml must be YAML or JSON: .* line [23]/);
  t.regex(await complaint(file('unknown.yaml', 'lrr: 1')), /unknown\.yaml has no option 'lrr'\.\nDid you mean 'lr'\?$/);
  t.regex(await complaint(file('list.yaml', '- 1')), /list\.yaml must be an object/);
  t.regex(await complaint(join(folder, 'none.yaml')), /none\.yaml must be a file of options: ENOENT/);
});
