import test from 'ava';
import {resultsCsv} from '../../lib/run/results-csv.js';
import {epoch, step} from './records.js';

const HEAD = 'epoch,steps,seconds,lr,loss,loss_classifier,loss_box_reg,loss_mask,loss_objectness,loss_rpn_box_reg';

test('a row per epoch: steps so far, the last rate, the means of the losses, the metrics where there are any', (t) => {
  const steps = [step(0, 10), step(1, 20), {...step(2, 5), lr: 0.5}, {...step(3, 15), lr: 0.25}];
  const epochs = [epoch(0), epoch(1, {objects: {f1: 0.75, images: [1, 2]}, extra: 7})];
  t.is(
    resultsCsv({steps, epochs}),
    `${HEAD},objects.f1,extra\r\n1,2,3,0.01,1,3,3,3,3,3,,\r\n2,4,3,0.25,1,2,2,2,2,2,0.75,7\r\n`,
  );
});

test('names with commas, quotes and line ends are quoted', (t) => {
  const csv = resultsCsv({steps: [step(0, 5)], epochs: [epoch(0, {'a,b': {'say "x"': 1, 'c\nd': 2, plain: 3}})]});
  t.is(csv.split('\r\n')[0], `${HEAD},"a,b.say ""x""","a,b.c\nd","a,b.plain"`);
});

test('a loss that was not finite is left out of the mean', (t) => {
  const csv = resultsCsv({steps: [step(0, 5), step(1, Number.NaN)], epochs: [epoch(0)]});
  t.is(csv.split('\r\n')[1], '1,2,3,0.01,1,1,1,1,1,1');
});

test('epochs without steps and a run without epochs', (t) => {
  t.is(resultsCsv({steps: [], epochs: [epoch(4)]}), 'epoch,steps,seconds,lr,loss\r\n5,,3,,1\r\n');
  t.is(resultsCsv({steps: [], epochs: []}), '');
});
