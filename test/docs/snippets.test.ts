import {execFile} from 'node:child_process';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {basename, join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';
import {transform} from 'esbuild';
import ts from 'typescript';
import {nodeOptions, runnable} from '../program.js';
import {type Block, blocksOf, documents, root} from './blocks.js';
import {envOf, makeRoom, smaller} from './commands.js';
import {makeWorld} from './world.js';

const run = promisify(execFile);
const fragments = join(root, 'test', 'docs', 'fragments.ts');
const runnableFragments = pathToFileURL(runnable('test/docs/fragments.ts'));

let folder: string;
let blocks: Block[];
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-docs-'));
  blocks = (await Promise.all((await documents()).map(blocksOf))).flat();
  await makeWorld(folder);
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const inLanguage = (language: string) => blocks.filter((block) => block.language === language);

test('every example in TypeScript is right by its types', async (t) => {
  // As `tsc --init` of TypeScript 6 writes them, but for the output.
  const options = {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    noUncheckedSideEffectImports: true,
    moduleDetection: ts.ModuleDetectionKind.Force,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    noEmit: true,
  };
  const files = [];
  for (const [i, {text}] of inLanguage('ts').entries()) {
    const file = join(folder, `types-${i}.ts`);
    await writeFile(file, `${text}\nexport {};\n`);
    files.push(file);
  }
  t.true(files.length > 5);
  const program = ts.createProgram([...files, fragments], {
    ...options,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
    skipLibCheck: true,
    preserveSymlinks: true,
  });
  const faults = files.flatMap((file, i) =>
    ts.getPreEmitDiagnostics(program, program.getSourceFile(file)).map(({messageText, start}) => {
      const {document, line} = inLanguage('ts')[i]!;
      const inBlock = program.getSourceFile(file)!.getLineAndCharacterOfPosition(start ?? 0).line;
      return `${document}:${line + inBlock}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    }),
  );
  t.deepEqual(faults, []);
});

test.serial('every example in TypeScript runs', async (t) => {
  for (const [i, {document, line, text}] of inLanguage('ts').entries()) {
    const file = join(folder, `example-${i}.js`);
    const {code} = await transform(`${smaller(text)}\nexport {};\n`, {loader: 'ts', target: 'es2023'});
    await writeFile(file, code);
    await makeRoom(folder, text);
    await t.notThrowsAsync(
      run(process.execPath, [...nodeOptions, `--import=${runnableFragments}`, file], {
        cwd: folder,
        env: envOf(folder),
      }),
      `${document}:${line}`,
    );
  }
});

test('every error code has its line in the guide to errors', async (t) => {
  const guide = await readFile(join(root, 'docs', 'troubleshooting.md'), 'utf8');
  const source = await readFile(join(root, 'lib', 'basics', 'errors.ts'), 'utf8');
  const codes = [...source.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, code]) => code!);
  t.true(codes.length > 20);
  t.deepEqual(
    codes.filter((code) => !guide.includes(`| \`${code}\` |`)),
    [],
  );
});

test('every guide is in the reference', async (t) => {
  const {projectDocuments} = JSON.parse(await readFile(join(root, 'docs', 'typedoc.json'), 'utf8'));
  const guides = (await documents()).filter((name) => name.startsWith('docs'));
  t.deepEqual([...projectDocuments].sort(), guides.map((name) => basename(name)).sort());
});

test('the README’s figures of speed are those of the guide to performance', async (t) => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const guide = await readFile(join(root, 'docs', 'performance.md'), 'utf8');
  const [, tuned] = /^### Beside a tuned torchvision\n(.*?)^Without AVX-512/ms.exec(guide)!;
  const rows = (text: string) => text.split('\n').filter((line) => line.startsWith('| '));
  const [, section] = /^## Speed\n(.*?)^## /ms.exec(readme)!;
  const named = rows(section!).filter((row) => /\d s \|/.test(row));
  t.is(named.length, 5);
  for (const row of named) {
    const name = row.split(' |')[0]!;
    const source = rows(tuned!).find((line) => line.startsWith(`${name} |`));
    for (const [figure] of row.matchAll(/\d+\.\d+( s)?/g)) t.true(source?.includes(figure), `${name}: ${figure}`);
  }
});

test('links between the documents lead somewhere', async (t) => {
  const missing = [];
  for (const document of await documents()) {
    const text = await readFile(join(root, document), 'utf8');
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#[^)]*)?\)/g)) {
      const url = new URL(target || '.', pathToFileURL(join(root, document)));
      const exists = await readFile(url).then(
        () => true,
        (error: NodeJS.ErrnoException) => error.code === 'EISDIR',
      );
      if (!exists) missing.push(`${document}: ${target}`);
    }
  }
  t.deepEqual(missing, []);
});
