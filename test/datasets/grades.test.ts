import test from 'ava';
import {parseGrades} from '../../lib/datasets/grades.js';

const header = 'name,patient ID,grade (GlaS),grade (Sirinukunwattana et al. 2015)';
const lines = [header, 'testA_1,4, benign, adenomatous', 'train_2,10, malignant, poorly differentiated', ''];

for (const [name, end] of Object.entries({CR: '\r', LF: '\n', CRLF: '\r\n'})) {
  test(`lines that end in ${name}`, (t) => {
    const grades = parseGrades(lines.join(end));
    t.deepEqual(
      [...grades],
      [
        ['testA_1', {patient: '4', grade: 'benign'}],
        ['train_2', {patient: '10', grade: 'malignant'}],
      ],
    );
  });
}

test('a byte order mark does not hide the name, and another table gives nothing', (t) => {
  t.is(parseGrades(`\uFEFF${lines.join('\n')}`).size, 2);
  t.is(parseGrades('id,value\n1,2').size, 0);
  t.is(parseGrades('').size, 0);
});
