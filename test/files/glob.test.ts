import test from 'ava';
import {globToRegExp} from '../../lib/files/glob.js';

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
    const pattern = globToRegExp(glob);
    for (const name of matches) t.regex(name, pattern);
    for (const name of misses) t.notRegex(name, pattern);
  });
}
