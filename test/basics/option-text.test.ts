import test from 'ava';
import {fromPlainText, fromText} from '../../lib/basics/option-text.js';
import {bool, either, integer, listOf, number, object, oneOf, text} from '../../lib/basics/schema.js';

test('the first reading that the rule accepts', (t) => {
  t.is(fromText(['12'], integer()), 12);
  t.is(fromText(['12'], text), '12');
  t.deepEqual(fromText(['{type: adamw}'], object), {type: 'adamw'});
  t.deepEqual(fromText(['1,2'], listOf(integer())), [1, 2]);
  t.deepEqual(fromText(['1', '2'], listOf(integer())), [1, 2]);
  t.is(fromText(['many'], integer()), 'many', 'to show in an error');
});

test('texts of strangers are numbers, words and lists of them', (t) => {
  t.is(fromPlainText(['-1.5e3'], number()), -1500);
  t.is(fromPlainText(['true'], bool), true);
  t.is(fromPlainText(['full'], either(oneOf('full'), listOf(number()))), 'full');
  for (const list of ['1,2', '[1,2]', '[1, 2]']) t.deepEqual(fromPlainText([list], listOf(integer())), [1, 2], list);
  for (const other of ['{a: 1}', '[[1]]', '0x10', '!!js 1', '%YAML 1.9', '']) {
    t.is(fromPlainText([other], integer()), other);
  }
});

test('thousands of brackets are text', (t) => {
  for (const bracket of ['[', '{a: ', '[{']) {
    const deep = bracket.repeat(20_000);
    t.is(fromText([deep], integer()), deep);
    t.is(fromPlainText([deep], integer()), deep);
  }
});
