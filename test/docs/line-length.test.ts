import {execFileSync} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {root} from './blocks.js';

const MOST = 120;
const COMMENT = /^\s*(\/\/|\/?\*|#)/;

/** Lines over `MOST` characters that could be shorter: prose and comments, not tables, links or code. */
function longLines(file: string, text: string): string[] {
  const isProse = file.endsWith('.md');
  let inCode = false;
  return text.split('\n').flatMap((line, i) => {
    if (line.startsWith('```')) inCode = !inCode;
    const counts = isProse ? !inCode && !line.startsWith('|') : COMMENT.test(line);
    return counts && [...line].length > MOST && /\s/.test(line.trim()) ? [`${file}:${i + 1}`] : [];
  });
}

test('no line of prose or of a comment is over 120 characters', async (t) => {
  let files: string[];
  try {
    files = execFileSync('git', ['ls-files', '-z'], {cwd: root, encoding: 'utf8'}).split('\0');
  } catch {
    t.log('skipped: not a git checkout');
    return t.pass();
  }
  const texts = files.filter(
    (file) => /\.(md|ts|js|mjs|h|cpp|py|sh|css)$/.test(file) && !file.startsWith('test/fixtures/'),
  );
  t.true(texts.length > 300);
  const long = await Promise.all(texts.map(async (file) => longLines(file, await readFile(join(root, file), 'utf8'))));
  t.deepEqual(long.flat(), []);
});

test('what counts as long', (t) => {
  const words = 'word '.repeat(30);
  t.deepEqual(longLines('a.md', `| ${words}|\n\`\`\`\n${words}\n\`\`\`\n${words}`), ['a.md:5']);
  t.deepEqual(longLines('a.ts', `const a = '${words}';\n// ${words}\n * ${words}`), ['a.ts:2', 'a.ts:3']);
});
