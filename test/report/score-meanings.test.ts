import test from 'ava';
import {evaluate, type MaskRcnn} from '../../lib/index.js';
import {meaningOf} from '../../lib/report/score-meanings.js';
import {leaves} from '../../lib/run/scalars.js';
import {squareModel, squares} from './squares-run.js';

test('each score of an evaluation has one sentence, which tells the mean and the pool apart', async (t) => {
  const {details: _, ...scores} = await evaluate(squareModel as MaskRcnn, {data: squares(['square'])});
  // Scores that have no value here are there as well: null is no leaf.
  const filled = JSON.parse(JSON.stringify(scores, (_key, value) => value ?? 0.5));
  const paths = leaves(filled).map(([names]) => names);
  t.true(paths.length > 60, `${paths.length}`);
  for (const path of paths) {
    if (path[1] === 'reasons') continue;
    t.regex(meaningOf(path) ?? 'none', /^[A-Z][^.]*(\d\.\d+[^.]*)*\.$/, path.join(' '));
  }
  t.regex(meaningOf(['pixel', 'mean', 'precision'])!, /mean over the images with objects on which something/);
  t.regex(meaningOf(['objects', 'pooled', 'f1'])!, /of all images together/);
});

test('a score of another version has none', (t) => {
  t.is(meaningOf(['pixel', 'mean', 'sharpness']), undefined);
  t.is(meaningOf(['toString']), undefined);
  t.is(meaningOf(['pixel', 'toString']), undefined);
  t.is(meaningOf([]), undefined);
});
