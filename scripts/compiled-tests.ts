import {mkdir, readdir, readFile, rm, rmdir, stat, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {transform, version} from 'esbuild';

/** Where the compiled tests are, relative to the root. `test/a.test.ts` becomes `build/tests/test/a.test.js`. */
export const COMPILED = 'build/tests';

/** What each file was compiled from. With other settings, or in a checkout that has moved, nothing of it counts. */
type Stamp = {settings: string; files: Record<string, string>};

type Settings = {include: string[]; compilerOptions: {target: string}};

/**
 * Compiles all that the tests import, file by file, into build/tests: the folders that tsconfig.json includes. Files
 * that have not changed are left alone, and what has no source any more is removed. Types are not checked. Returns the
 * number of files that it has compiled.
 *
 * In the compiled text, `import.meta.url` is the address of the source, so that fixtures and the like are found beside
 * it. `import.meta.filename` is the file that runs.
 */
export async function compileTests(root: string): Promise<number> {
  const tsconfig = await readFile(join(root, 'tsconfig.json'), 'utf8');
  const {include, compilerOptions} = JSON.parse(tsconfig) as Settings;
  const settings = `esbuild ${version} in ${root}: ${tsconfig}`;
  const before = await readStamp(root, settings);
  const after: Stamp = {settings, files: {}};
  const outdated: string[] = [];
  for (const file of await sources(root, include)) {
    const {mtimeMs, size} = await stat(join(root, file));
    const digest = `${size} bytes of ${mtimeMs}`;
    after.files[file] = digest;
    if (before.files[file] !== digest) outdated.push(file);
  }
  // Taken away meanwhile, so that a compilation that fails is not taken for a whole one.
  if (outdated.length > 0) await rm(stampPath(root), {force: true});
  await removeStale(root, new Set(Object.keys(after.files).map(compiledName)));
  await Promise.all(outdated.map((file) => compile(root, file, tsconfig, compilerOptions.target)));
  await mkdir(join(root, COMPILED), {recursive: true});
  await writeFile(stampPath(root), JSON.stringify(after));
  return outdated.length;
}

async function compile(root: string, file: string, tsconfigRaw: string, target: string): Promise<void> {
  const source = join(root, file);
  const {code} = await transform(await readFile(source, 'utf8'), {
    loader: 'ts',
    format: 'esm',
    target,
    tsconfigRaw,
    define: {'import.meta.url': JSON.stringify(pathToFileURL(source).href)},
    // ava turns source maps on, so that stack traces name the source.
    sourcemap: 'inline',
    sourcesContent: false,
    sourcefile: pathToFileURL(source).href,
  });
  const output = join(root, COMPILED, compiledName(file));
  await mkdir(dirname(output), {recursive: true});
  await writeFile(output, code);
}

/** The TypeScript files of the included folders, with slashes between the parts of their paths. */
async function sources(root: string, include: readonly string[]): Promise<string[]> {
  const folders = include.filter((name) => !name.endsWith('.ts'));
  const lists = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(join(root, folder), {recursive: true})).map((file) => `${folder}/${file.replaceAll('\\', '/')}`),
    ),
  );
  return lists.flat().filter((file) => /(?<!\.d)\.ts$/.test(file));
}

const compiledName = (file: string) => file.replace(/\.ts$/, '.js');

const stampPath = (root: string) => join(root, COMPILED, 'compiled-from.json');

async function readStamp(root: string, settings: string): Promise<Stamp> {
  const text = await readFile(stampPath(root), 'utf8').catch(() => undefined);
  const stamp = text === undefined ? undefined : (JSON.parse(text) as Stamp);
  return stamp?.settings === settings ? stamp : {settings, files: {}};
}

/** A test that is no more must not run, and an import of a file that is no more must fail. */
async function removeStale(root: string, kept: ReadonlySet<string>, folder = ''): Promise<void> {
  const path = join(root, COMPILED, folder);
  const entries = await readdir(path, {withFileTypes: true}).catch(() => []);
  for (const entry of entries) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) await removeStale(root, kept, name);
    else if (!kept.has(name) && entry.name !== 'compiled-from.json') await rm(join(path, entry.name));
  }
  if (folder !== '' && (await readdir(path)).length === 0) await rmdir(path);
}
