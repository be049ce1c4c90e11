import test from 'ava';
import {createProgress, type ProgressState, renderProgress} from '../lib/progress.js';

function record(isTTY: boolean) {
  const written: string[] = [];
  let ms = 0;
  const stream = {write: (text: string) => written.push(text), isTTY, columns: 30};
  const progress = createProgress({stream, now: () => ms});
  return {progress, written, wait: (more: number) => (ms += more)};
}

const state = (done: number, total?: number): ProgressState => ({label: 'x', done, total, unit: 'count'});

test('renders bytes, counts and steps', (t) => {
  t.is(renderProgress({label: 'torch', done: 95.9e6, total: 191.8e6, unit: 'bytes'}), 'torch: 95.9 of 191.8 MB, 50 %');
  t.is(renderProgress({label: 'torch', done: 95.9e6, unit: 'bytes'}), 'torch: 95.9 MB');
  t.is(
    renderProgress({label: 'epoch 1', done: 3, total: 4, unit: 'count', note: 'loss 0.5'}),
    'epoch 1: 3 of 4, 75 % loss 0.5',
  );
  t.is(renderProgress({label: 'Building fpn.cpp', done: 12, total: 34, unit: 'steps'}), '[12/34] Building fpn.cpp');
});

test('without a terminal there is a line for every tenth', (t) => {
  const {progress, written} = record(false);
  for (let i = 0; i <= 100; i++) progress.update(state(i, 100));
  t.is(written.length, 11);
  t.is(written[1], 'x: 10 of 100, 10 %\n');
});

test('without a terminal and an end there is a line every ten seconds', (t) => {
  const {progress, written, wait} = record(false);
  for (let i = 0; i < 30; i++) {
    progress.update(state(i));
    wait(1000);
  }
  t.deepEqual(written, ['x: 0\n', 'x: 10\n', 'x: 20\n']);
});

test('a new label begins a new line', (t) => {
  const {progress, written} = record(false);
  progress.update({label: 'a', done: 1, total: 2, unit: 'steps'});
  progress.update({label: 'b', done: 1, total: 2, unit: 'steps'});
  t.deepEqual(written, ['[1/2] a\n', '[1/2] b\n']);
});

test('on a terminal one line is redrawn, at most ten times a second, and cut to the width', (t) => {
  const {progress, written, wait} = record(true);
  progress.update({...state(1, 9), note: 'a long note that does not fit'});
  progress.update(state(2, 9));
  wait(150);
  progress.update(state(3, 9));
  progress.update(state(9, 9));
  t.is(written.length, 3);
  t.is(written[0], '\rx: 1 of 9, 11 % a long note t');
  t.is(written[1], `\r${'x: 3 of 9, 33 %'.padEnd(29)}`);
  t.is(written[2]!.trim(), 'x: 9 of 9, 100 %');
});

test('a line that stays replaces the one under way', (t) => {
  const {progress, written} = record(true);
  progress.update(state(1, 2));
  progress.say('hello');
  t.deepEqual(written.slice(1), [`\r${' '.repeat('x: 1 of 2, 50 %'.length)}\r`, 'hello\n']);
  progress.update(state(2, 2));
  progress.close();
  progress.close();
  t.is(written.filter((text) => text === '\n').length, 1);
});
