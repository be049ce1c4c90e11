import test from 'ava';
import {createProgress, type ProgressState, renderBar, renderProgress} from '../../lib/basics/progress.js';

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
    renderProgress({label: 'epoch 1', done: 3, total: 4, unit: 'count', notes: ['loss 0.5', '2 s to go']}),
    'epoch 1: 3 of 4, 75 %, loss 0.5, 2 s to go',
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

test('the next work of the same name has lines for its tenths too', (t) => {
  const {progress, written} = record(false);
  for (const _ of ['a.tif', 'b.tif']) {
    for (let i = 0; i <= 10; i++) progress.update(state(i, 10));
  }
  t.is(written.length, 22);
});

test('a new label begins a new line', (t) => {
  const {progress, written} = record(false);
  progress.update({label: 'a', done: 1, total: 2, unit: 'steps'});
  progress.update({label: 'b', done: 1, total: 2, unit: 'steps'});
  t.deepEqual(written, ['[1/2] a\n', '[1/2] b\n']);
});

test('the bar has the length of the work done, to an eighth of a column', (t) => {
  const at = (done: number) => renderBar({label: 'x', done, total: 192, unit: 'count'}, 100).split(' ')[1];
  t.is(at(0), '░'.repeat(24));
  t.is(at(1), `▏${'░'.repeat(23)}`);
  t.is(at(36), `████▌${'░'.repeat(19)}`);
  t.is(at(192), '█'.repeat(24));
  t.is(at(999), '█'.repeat(24), 'more than there was to do');
});

test('the bar gives way to the notes, and the last notes to the width', (t) => {
  const work = {
    label: 'epoch 1/9',
    done: 2,
    total: 4,
    unit: 'count',
    notes: ['loss 0.5', 'rate 0.01', '1.2 GB'],
  } as const;
  const bar = (width: number) => `${'█'.repeat(width / 2)}${'░'.repeat(width / 2)}`;
  t.is(renderBar(work, 100), `epoch 1/9 ${bar(24)} 2/4, loss 0.5, rate 0.01, 1.2 GB`);
  t.is(renderBar(work, 53), `epoch 1/9 ${bar(10)} 2/4, loss 0.5, rate 0.01, 1.2 GB`);
  t.is(renderBar(work, 42), `epoch 1/9 ${bar(10)} 2/4, loss 0.5, 1.2 GB`, 'a shorter note may still fit');
  t.is(renderBar(work, 32), `epoch 1/9 ${bar(8)} 2/4, loss 0.5`);
  t.is(renderBar(work, 22), `epoch 1/9 ${bar(8)} 2/4`);
  t.is(renderBar(work, 21), 'epoch 1/9: 2 of 4, 50');
  t.is(renderBar(work, 9), 'epoch 1/9');
});

test('bytes have a bar too', (t) => {
  const work = {label: 'torch', done: 95.9e6, total: 191.8e6, unit: 'bytes'} as const;
  t.is(renderBar(work, 39), `torch ${'█'.repeat(8)}${'░'.repeat(8)} 95.9 of 191.8 MB`);
});

test('no line is longer than the terminal, whatever its width', (t) => {
  for (let columns = 1; columns < 140; columns++) {
    for (const total of [undefined, 0, 7, 70_000]) {
      const text = renderBar(
        {label: 'epoch 12/50, validation', done: 5, total, unit: 'count', notes: ['a', 'bb']},
        columns,
      );
      t.true(text.length <= columns, `${columns}: ${text}`);
    }
  }
});

test('on a terminal one line is redrawn, at most ten times a second, and cut to the width', (t) => {
  const {progress, written, wait} = record(true);
  progress.update({...state(1, 9), notes: ['loss', 'a note that does not fit']});
  progress.update(state(2, 9));
  wait(150);
  progress.update(state(3, 99));
  progress.update(state(99, 99));
  progress.update({label: 'y', done: 1, unit: 'count'});
  t.deepEqual(written, [
    '\rx █▉░░░░░░░░░░░░░░░ 1/9, loss',
    '\rx ▋░░░░░░░░░░░░░░░░░░░░░ 3/99',
    '\rx █████████████████████ 99/99',
    `\r${'y: 1'.padEnd(29)}`,
  ]);
});

test('work without an end has no bar', (t) => {
  const {progress, written} = record(true);
  progress.update({...state(3), notes: ['still going']});
  t.deepEqual(written, ['\rx: 3, still going']);
});

test('a line that stays replaces the one under way', (t) => {
  const {progress, written} = record(true);
  progress.update(state(1, 2));
  progress.say('hello');
  t.deepEqual(written.slice(1), [`\r${' '.repeat(written[0]!.length - 1)}\r`, 'hello\n']);
  progress.update(state(2, 2));
  progress.close();
  progress.close();
  t.is(written.filter((text) => text === '\n').length, 1);
});
