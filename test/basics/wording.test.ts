import test from 'ava';
import {closest, count, formatDuration, formatMemory, show} from '../../lib/basics/wording.js';

test('counts', (t) => {
  t.is(count(0, 'epoch'), '0 epochs');
  t.is(count(1, 'epoch'), '1 epoch');
  t.is(count(2, 'epoch'), '2 epochs');
  t.is(count(1, 'class', 'classes'), '1 class');
  t.is(count(2, 'class', 'classes'), '2 classes');
});

test('memory', (t) => {
  t.is(formatMemory(812.4e6), '812 MB');
  t.is(formatMemory(999.6e6), '1.00 GB');
  t.is(formatMemory(12.3e9), '12.30 GB');
});

test('durations', (t) => {
  t.is(formatDuration(3.6), '4 s');
  t.is(formatDuration(187), '3:07 min');
  t.is(formatDuration(3600 * 2 + 5 * 60), '2:05 h');
});

test('the closest word is none when all are far', (t) => {
  t.is(closest('resnet5', ['resnet50', 'resnet18']), 'resnet50');
  // A wrong first letter is another word, unless it is missing, added or swapped.
  t.is(closest('gpu', ['cpu', 'cuda', 'from']), undefined);
  t.is(closest('export', ['report', 'convert']), undefined);
  t.is(closest('rain', ['train']), 'train');
  t.is(closest('ttrain', ['train']), 'train');
  t.is(closest('rtain', ['train']), 'train');
  t.is(closest('vgg', ['resnet50', 'resnet18']), undefined);
});

test('values are shown on one line', (t) => {
  t.is(show([1, 2, 3, 4, 5, 6, 7]), '[1, 2, 3, 4, 5, 6, … 7 items]');
  t.is(show(new Float32Array([1, 2])), '[1, 2]');
  t.is(show('x'.repeat(80)).length, 60);
  t.is(show([1, [2, [3, [4, [5]]]]]), '[1, [2, [3, a list of 2]]]');
  const deep = JSON.parse('['.repeat(200_000) + ']'.repeat(200_000));
  t.is(show(deep), '[[[a list of 1]]]', 'a file may nest as deep as it likes');
  t.is(show({}), 'an object');
  t.is(
    show(() => 1),
    'a function',
  );
});
