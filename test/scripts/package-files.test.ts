import {execFile} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {dirname, join, normalize} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

let paths: string[];
test.before(async () => {
  const {stdout} = await run('npm', ['pack', '--dry-run', '--json', '--silent', '--ignore-scripts'], {cwd: root});
  const [{files}] = JSON.parse(stdout) as [{files: {path: string}[]}];
  paths = files.map(({path}) => path);
});

test('links between the documents of the package lead to files of the package', async (t) => {
  const documents = paths.filter((path) => path.endsWith('.md'));
  t.true(documents.includes('docs/installation.md') && documents.includes('README.md'));
  const missing: string[] = [];
  for (const document of documents) {
    const text = await readFile(join(root, document), 'utf8');
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (!paths.includes(normalize(join(dirname(document), target!)))) missing.push(`${document}: ${target}`);
    }
  }
  t.deepEqual(missing, []);
});

test('installing the package runs no script', async (t) => {
  const {scripts} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {scripts: Record<string, string>};
  const atInstallation = ['preinstall', 'install', 'postinstall', 'preprepare', 'prepare', 'postprepare', 'prepublish'];
  t.deepEqual(
    Object.keys(scripts).filter((name) => atInstallation.includes(name)),
    [],
  );
  // npm compiles an addon by itself where it finds this file.
  t.false(paths.includes('binding.gyp'));
});
