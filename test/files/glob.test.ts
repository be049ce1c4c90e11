import test from 'ava';
import {globMatcher} from '../../lib/files/glob.js';

const cases: [glob: string, matches: string[], misses: string[]][] = [
  ['train_*', ['train_1', 'train_', 'train_1.bmp'], ['atrain_1', 'Train_1']],
  ['*.bmp', ['a.bmp', '.bmp'], ['a.bmpx', 'abmp']],
  ['a?c', ['abc'], ['ac', 'abbc']],
  ['[a-c]1', ['a1', 'c1'], ['d1', '1']],
  ['[!a]1', ['b1'], ['a1', '1']],
  ['{train,test}_[12]', ['train_1', 'test_2'], ['train_3', 'val_1']],
  ['a+(1).$^|x', ['a+(1).$^|x'], ['aa(1).x']],
  ['a[b', ['a[b'], ['ab']],
  ['a}b,c{', ['a}b,c{'], ['ab']],
  ['{a', ['{a'], ['a']],
];

for (const [glob, matches, misses] of cases) {
  test(glob, (t) => {
    const matcher = globMatcher(glob);
    for (const name of matches) t.true(matcher(name), name);
    for (const name of misses) t.false(matcher(name), name);
  });
}

test('a pattern that is no pattern matches nothing, and one of many stars is decided at once', (t) => {
  t.false(globMatcher('[z-a]')('b'));
  t.false(globMatcher('*a*a*a*a*a*a*a*b')('a'.repeat(60))); // by backtracking the test would time out
});
