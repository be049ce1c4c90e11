import {existsSync} from 'node:fs';
import {mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {pathToFileURL} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {COMPILED, compileTests} from '../../scripts/compiled-tests.js';

/** A checkout of two folders that are compiled, and one that is not. */
async function makeRoot(t: ExecutionContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'maskrcnn-compiled-'));
  t.teardown(() => rm(root, {recursive: true}));
  await write(root, 'package.json', '{"type": "module"}');
  await write(root, 'tsconfig.json', '{"compilerOptions": {"target": "es2023"}, "include": ["a.d.ts", "lib", "test"]}');
  await write(root, 'lib/a.ts', 'export const [url, file]: string[] = [import.meta.url, import.meta.filename];\n');
  await write(root, 'lib/page.css', '');
  await write(root, 'test/deep/b.ts', "export * from '../../lib/a.js';\n");
  await write(root, 'other/c.ts', '');
  return root;
}

async function write(root: string, file: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, file)), {recursive: true});
  await writeFile(join(root, file), text);
}

async function compiledFiles(root: string): Promise<string[]> {
  const names = await readdir(join(root, COMPILED), {recursive: true});
  return names.map((name) => name.replaceAll('\\', '/')).sort();
}

const whole = ['compiled-from.json', 'lib', 'lib/a.js', 'test', 'test/deep', 'test/deep/b.js'];

test('compiled files import one another, and know where their source is and where they are', async (t) => {
  const root = await makeRoot(t);
  t.is(await compileTests(root), 2);
  t.deepEqual(await compiledFiles(root), whole);
  const {url, file} = await import(pathToFileURL(join(root, COMPILED, 'test/deep/b.js')).href);
  t.is(url, pathToFileURL(join(root, 'lib/a.ts')).href);
  t.regex(file, /build.tests.lib.a\.js$/);
});

test('only what has changed is compiled again, and what has no source any more is removed', async (t) => {
  const root = await makeRoot(t);
  await compileTests(root);
  const output = join(root, COMPILED, 'lib/a.js');
  const {mtimeMs} = await stat(output);
  t.is(await compileTests(root), 0);
  t.is((await stat(output)).mtimeMs, mtimeMs);
  await write(root, 'lib/a.ts', 'export const changed = true;\n');
  t.is(await compileTests(root), 1);
  t.regex(await readFile(output, 'utf8'), /changed = true/);

  await rm(join(root, 'test/deep'), {recursive: true});
  await write(root, 'lib/d.ts', '');
  t.is(await compileTests(root), 1);
  t.deepEqual(await compiledFiles(root), ['compiled-from.json', 'lib', 'lib/a.js', 'lib/d.js']);
});

test('other settings of the compiler compile everything again', async (t) => {
  const root = await makeRoot(t);
  await compileTests(root);
  await write(root, 'tsconfig.json', '{"compilerOptions": {"target": "es2022"}, "include": ["lib", "test"]}');
  t.is(await compileTests(root), 2);
});

test('after an error nothing is taken for compiled', async (t) => {
  const root = await makeRoot(t);
  await compileTests(root);
  await write(root, 'lib/a.ts', 'export const = 1;\n');
  await t.throwsAsync(compileTests(root), {message: /lib\/a\.ts:1:13: ERROR/});
  t.false(existsSync(join(root, COMPILED, 'compiled-from.json')));
  await write(root, 'lib/a.ts', 'export const a = 1;\n');
  t.is(await compileTests(root), 2);
});
