import {execFile} from 'node:child_process';
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';
import ts from 'typescript';
import {type Block, blocksOf, documents, root} from './blocks.js';
import {makeWorld} from './world.js';

const run = promisify(execFile);
const fragments = fileURLToPath(new URL('./fragments.ts', import.meta.url));

/** What a test cannot do as it is written: no downloads, and minutes are too long. Sizes come with `start.safetensors`. */
const SMALLER: readonly [RegExp, string][] = [
  [/'COCO_V1'/g, "'start.safetensors'"],
  [/\bCOCO_V1\b/g, 'start.safetensors'],
  [/backbone: 'resnet50', /g, ''],
  [/epochs: \d+/g, 'epochs: 1'],
  [/--epochs \d+/g, '--epochs 1'],
  [/split\(50 \//g, 'split(2 /'],
  [/\btsx examples\/glas\.ts (\S+) --weights-backbone \S+/g, 'tsx examples/glas.ts $1 --epochs 1 --min-size 96'],
  [
    /\btsx examples\/penn-fudan\.ts (\S+)/g,
    'tsx examples/penn-fudan.ts $1 --weights start.safetensors --held-out 2 --min-size 96',
  ],
];

/** Commands that are tried elsewhere, and where. */
const ELSEWHERE: readonly [RegExp, string][] = [
  [/^npm install\b.*|^npm test\b.*|^npm run lint\b.*/, 'continuous integration runs them on a clean checkout'],
  [/^npm run demo\b/, 'test/examples runs the program'],
  [
    /^npm run (build:addon|prebuild|docs)\b/,
    'npm test begins with the build; test/scripts packs; lint checks the reference',
  ],
  [/\bnpm run (bench\S*|check:gpu)/, 'they want a peer in Python, or a GPU'],
  [/\bnpm run build:addon$/, 'it builds against another PyTorch'],
  [/^sudo /, 'it needs an administrator'],
];

let folder: string;
let blocks: Block[];
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-docs-'));
  blocks = (await Promise.all((await documents()).map(blocksOf))).flat();
  await makeWorld(folder);
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const inLanguage = (language: string) => blocks.filter((block) => block.language === language);
const smaller = (text: string) => SMALLER.reduce((result, [pattern, by]) => result.replace(pattern, by), text);
const env = () => ({...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}`});

/** Removes the runs that a block is about to begin. */
async function makeRoom(text: string): Promise<void> {
  for (const [, path] of text.matchAll(/(?:output: '|train .*--output )(runs\/[\w-]+)/g)) {
    await rm(join(folder, path!), {recursive: true, force: true});
  }
}

test('every example in TypeScript is right by its types', async (t) => {
  const options = {strict: true, module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, noEmit: true};
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
    const file = join(folder, `example-${i}.ts`);
    await writeFile(file, `${smaller(text)}\nexport {};\n`);
    await makeRoom(text);
    await t.notThrowsAsync(
      run(process.execPath, ['--import=tsx', `--import=${pathToFileURL(fragments)}`, file], {cwd: folder, env: env()}),
      `${document}:${line}`,
    );
  }
});

test.serial('every command runs, or is one that is tried elsewhere', async (t) => {
  const scripts = Object.keys(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')).scripts);
  const commands = inLanguage('sh').flatMap(({document, line, text}) =>
    text.split('\n').map((command, i) => ({place: `${document}:${line + i}`, command: command.replace(/ +#.*$/, '')})),
  );
  let count = 0;
  for (const {place, command} of commands) {
    for (const [, name] of command.matchAll(/\bnpm run (\S+)/g)) t.true(scripts.includes(name!), `${place}: ${name}`);
    if (ELSEWHERE.some(([pattern]) => pattern.test(command))) continue;
    await makeRoom(command);
    await t.notThrowsAsync(run('bash', ['-euc', smaller(command)], {cwd: folder, env: env()}), `${place}: ${command}`);
    count++;
  }
  t.true(count > 5, `${count} commands ran`);
});

test.serial('every configuration file does what its first line says', async (t) => {
  const files = inLanguage('yaml');
  t.true(files.length > 0);
  for (const {document, line, text} of files) {
    const [, command, name] = /^# (npx maskrcnn .*--config (\S+).*)$/m.exec(text)!;
    await writeFile(join(folder, name!), smaller(text));
    await t.notThrowsAsync(run('bash', ['-euc', command!], {cwd: folder, env: env()}), `${document}:${line}`);
  }
});

test('every error code has its line in the guide to errors', async (t) => {
  const guide = await readFile(join(root, 'docs', 'troubleshooting.md'), 'utf8');
  const source = await readFile(join(root, 'lib', 'errors.ts'), 'utf8');
  const codes = [...source.matchAll(/^ {2}\| '(\w+)'/gm)].map(([, code]) => code!);
  t.true(codes.length > 20);
  t.deepEqual(
    codes.filter((code) => !guide.includes(`| \`${code}\` |`)),
    [],
  );
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
