import test from 'ava';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {
  bool,
  checkOptions,
  either,
  instanceOf,
  integer,
  listOf,
  nothing,
  number,
  oneOf,
  required,
  type Schema,
  text,
} from '../../lib/basics/schema.js';

const schema: Schema = {
  minArea: integer({min: 1}),
  fraction: number({above: 0, below: 1}),
  layout: oneOf('auto', 'pairs', 'folders'),
  shuffle: bool,
  sizes: listOf(integer({min: 1}), {length: 2}),
  classes: required(listOf(text, {min: 1})),
  seed: either(integer(), nothing),
  signal: instanceOf(AbortSignal),
};

const cases: [string, unknown, RegExp][] = [
  [
    'an unknown name near a known one',
    {classes: ['a'], minarea: 3},
    /open has no option 'minarea'\.\nDid you mean 'minArea'\?/,
  ],
  ['two letters swapped', {classes: ['a'], shuflfe: true}, /Did you mean 'shuffle'\?/],
  ['an unknown name far from all', {classes: ['a'], colour: 1}, /Its options are minArea, fraction, layout/],
  ['a name of Object.prototype', {classes: ['a'], toString: 1}, /has no option 'toString'/],
  ['a value below its range', {classes: ['a'], minArea: 0}, /'minArea' of open must be an integer >= 1, got 0\./],
  ['a fraction of a pixel', {classes: ['a'], minArea: 1.5}, /must be an integer >= 1, got 1\.5\./],
  ['NaN', {classes: ['a'], fraction: Number.NaN}, /must be a number > 0 and < 1, got NaN\./],
  ['the end of an open range', {classes: ['a'], fraction: 1}, /must be a number > 0 and < 1, got 1\./],
  ['a string for a number', {classes: ['a'], fraction: '0.5'}, /got '0\.5'\./],
  [
    'a misspelt word',
    {classes: ['a'], layout: 'pair'},
    /must be one of 'auto', 'pairs', 'folders', got 'pair'\.\nDid you mean 'pairs'\?/,
  ],
  [
    'a list of another length',
    {classes: ['a'], sizes: [1, 2, 3]},
    /must be an array of 2 items, .*, got \[1, 2, 3\]\./,
  ],
  ['an item that does not fit', {classes: ['a'], sizes: [1, 0]}, /each an integer >= 1, got \[1, 0\]\./],
  ['an empty list', {classes: []}, /must be an array of at least 1 item/],
  ['no required option', {}, /^open needs option 'classes': an array of at least 1 item/],
  ['neither of two kinds', {classes: ['a'], seed: 'x'}, /must be an integer, or null, got 'x'/],
  [
    'another class',
    {classes: ['a'], signal: new AbortController()},
    /instance of AbortSignal, got an object of type AbortController/,
  ],
  ['no object', 7, /^The options of open must be an object, got 7\.$/],
  ['an array', [], /^The options of open must be an object, got \[\]\.$/],
];

for (const [name, options, message] of cases) {
  test(`refuses ${name}`, (t) => {
    const error = t.throws(() => checkOptions(options, schema, 'open'), {instanceOf: MaskRcnnError});
    t.is(error?.code, 'INVALID_OPTION');
    t.regex(error!.message, message);
  });
}

test('accepts options that fit, and those left undefined', (t) => {
  t.notThrows(() =>
    checkOptions(
      {classes: ['a'], minArea: 4, layout: 'pairs', sizes: [2, 3], seed: null, shuffle: undefined},
      schema,
      'open',
    ),
  );
  t.notThrows(() => checkOptions(undefined, {minArea: integer()}, 'open'));
});
