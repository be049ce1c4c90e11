import {execFile} from 'node:child_process';
import {existsSync} from 'node:fs';
import {chmod, cp, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';
import ts from 'typescript';
import {minorVersion} from '../../lib/libtorch/layout.js';
import {locateLibtorch} from '../../lib/libtorch/locate.js';
import {pinned} from '../../lib/libtorch/pinned.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
/** Files for users, or files that they must receive: the notices cover third-party code in the package. */
const TEXTS = ['README.md', 'CHANGELOG.md', 'LICENSE', 'NOTICE'];
/** Everything that the package is built from. The test works on a copy, because prebuildify moves files. */
const PARTS = [
  ...['docs', 'examples'],
  ...['package.json', 'CMakeLists.txt', 'binding.d.ts', 'tsconfig.json', 'tsconfig.build.json'],
  ...['lib', 'native', 'scripts', 'build', ...TEXTS],
];

/** A user's script that trains on discs that it draws. */
const PROGRAM = `
import {maskRcnn, train} from 'maskrcnn';
const side = 64;
const mask = {left: 10, top: 10, width: 20, height: 20, data: new Uint8Array(400).fill(1)};
const image = {data: new Uint8Array(side * side * 3).fill(90), width: side, height: side};
const instances = [{label: 1, box: [10, 10, 30, 30], mask}];
const data = {length: 2, classes: ['blob'], get: async (i) => ({file: 'blob ' + i, image, instances})};
const model = await maskRcnn({backbone: 'resnet18', classes: ['blob'], minSize: 64, maxSize: 64});
const {history, best} = await train(model, {data, epochs: 1, output: 'run', log: 'silent'});
const [found] = await model.predict(image, {scoreThreshold: 0});
console.log(JSON.stringify({loss: history.epochs[0].loss, found: found.scores.length, best}));
model.dispose();
`;

let folder: string;
/** Undefined if the package cannot be built here. */
let packed: {tarball: string; paths: string[]; dependencies: string[]} | undefined;

test.before(async (t) => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-package-'));
  if (process.platform !== 'linux') return t.log('skipped: the package is tried on Linux');
  const {version = ''} = await locateLibtorch();
  if (minorVersion(version) !== minorVersion(pinned.torch)) {
    t.log(`skipped: the package is prebuilt for libtorch ${pinned.torch}, and this is ${version}`);
    return;
  }
  const copy = join(folder, 'copy');
  for (const part of PARTS) await cp(join(root, part), join(copy, part), {recursive: true});
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  await run('npm', ['run', 'prebuild'], {cwd: copy});
  const {stdout} = await run('npm', ['pack', '--json', '--silent'], {cwd: copy, maxBuffer: 1 << 24});
  const [{filename, files}] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [
    {filename: string; files: {path: string}[]},
  ];
  const {dependencies} = JSON.parse(await readFile(join(copy, 'package.json'), 'utf8'));
  packed = {
    tarball: join(copy, filename),
    paths: files.map(({path}) => path),
    dependencies: Object.keys(dependencies),
  };
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

/** The environment of a user who has Node and no other programs. */
async function bareEnvironment(): Promise<NodeJS.ProcessEnv> {
  const bin = join(folder, 'bin');
  await mkdir(bin, {recursive: true});
  await symlink(process.execPath, join(bin, 'node')).catch(() => {});
  return {PATH: bin, HOME: folder, OMP_WAIT_POLICY: 'passive'};
}

test.serial('the packed tarball is small, and has no sources', async (t) => {
  if (packed === undefined) return t.pass();
  const {tarball, paths} = packed;
  t.true((await stat(tarball)).size < 10e6);
  for (const path of [
    'dist/index.js',
    'dist/report/page/report.css',
    'dist/serve/finder.js',
    'binding.d.ts',
    ...TEXTS,
  ]) {
    t.true(paths.includes(path), path);
  }
  t.true(paths.some((path) => /^prebuilds\/linux-\w+\/maskrcnn\.(glibc|musl)\.node$/.test(path)));
  t.true(paths.some((path) => path.endsWith('/libtorch_python.so')));
  t.deepEqual(
    paths.filter((path) => /^(native|lib|test|scripts|build)\/|^(?!examples\/).*(?<!\.d)\.ts$|\.map$/.test(path)),
    [],
  );

  // Check how Node and bundlers resolve the package.
  const bin = (name: string) => join(root, 'node_modules/.bin', name);
  await run(bin('publint'), ['run', tarball, '--strict'], {cwd: join(folder, 'copy')});
  await run(bin('attw'), [tarball, '--profile', 'esm-only'], {cwd: join(folder, 'copy')});
});

test.serial('the libraries of the package ask for nothing that Debian 11 and Ubuntu 20.04 do not have', async (t) => {
  if (packed === undefined || process.platform !== 'linux') return t.pass();
  const newest: Record<string, number> = {GLIBC_2: 31, GLIBCXX_3_4: 28};
  const libraries = packed.paths.filter((path) => /\.(node|so)$/.test(path));
  t.is(libraries.length, 3);
  for (const path of libraries) {
    const text = await readFile(join(folder, 'copy', path), 'latin1');
    for (const [, name, minor] of text.matchAll(/\b(GLIBC_2|GLIBCXX_3\.4)\.(\d+)/g)) {
      t.true(Number(minor) <= newest[name!.replace('.', '_')]!, `${path}: ${name}.${minor}`);
    }
  }
});

test.serial('the modules that the package names beside its own and Node’s are its dependencies', async (t) => {
  if (packed === undefined) return t.pass();
  const {paths, dependencies} = packed;
  const named = new Set<string>();
  for (const path of paths.filter((name) => /^dist\/.*\.js$/.test(name))) {
    const {importedFiles} = ts.preProcessFile(await readFile(join(folder, 'copy', path), 'utf8'), true, true);
    for (const {fileName} of importedFiles) {
      // '@scope/name/part' and 'name/part' are of the packages '@scope/name' and 'name'.
      if (!/^\.|^node:/.test(fileName)) named.add(/^(@[^/]+\/)?[^/]+/.exec(fileName)![0]);
    }
  }
  t.deepEqual([...named].sort(), [...dependencies].sort());
});

test.serial('with its dependencies alone it sets libtorch up, trains and predicts, without a compiler', async (t) => {
  if (packed === undefined) return t.pass();
  const {tarball, dependencies} = packed;
  // Lay it out like npm, with the dependencies of the checkout.
  const app = join(folder, 'app');
  const modules = join(app, 'node_modules');
  await mkdir(join(modules, '.bin'), {recursive: true});
  await run('tar', ['-xzf', tarball, '-C', modules, '--transform', 's/^package/maskrcnn/']);
  for (const name of dependencies) {
    await mkdir(dirname(join(modules, name)), {recursive: true});
    await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  await chmod(join(modules, 'maskrcnn/dist/cli/main.js'), 0o755);
  await symlink('../maskrcnn/dist/cli/main.js', join(modules, '.bin/maskrcnn'));
  await writeFile(join(app, 'program.mjs'), PROGRAM);

  const options = {cwd: app, env: await bareEnvironment()};
  const cli = (...args: string[]) => run(join(modules, '.bin/maskrcnn'), args, options);
  const missing = await t.throwsAsync<Error & {stderr: string}>(run(process.execPath, ['program.mjs'], options));
  t.regex(missing!.stderr, /LIBTORCH_NOT_FOUND(.*\n)*.*npx maskrcnn setup/);
  const {stderr: setup} = await cli('setup', '--from', (await locateLibtorch()).root);
  t.regex(setup, /libtorch is set up: /);

  const {stdout: said} = await run(process.execPath, ['program.mjs'], options);
  const {loss, found, best} = JSON.parse(said);
  t.true(loss > 0 && found > 0, said);
  t.is(best, join('run', 'best.safetensors'));
  t.regex((await cli('doctor')).stdout, /ok +Self-test: network/);
  t.is((await cli('report', 'run')).stdout, `${join('run', 'report.html')}\n`);
  // The help comes from the declarations, which are in the package for this purpose too.
  t.regex((await cli('help', 'train')).stdout, /^ {2}--epochs +Passes over data\./m);
});

test.serial('npm installs it where the registry answers, and it runs', async (t) => {
  if (packed === undefined) return t.pass();
  const impatient = ['--fetch-retries=0', '--fetch-timeout=10000'];
  const refusal = await run('npm', ['view', 'node-gyp-build', 'version', ...impatient]).then(
    () => undefined,
    (error: {stderr: string}) => error.stderr.split('\n', 1)[0],
  );
  if (refusal !== undefined) {
    t.log(`skipped: the registry does not answer (${refusal})`);
    return t.pass();
  }
  const app = join(folder, 'installed');
  await mkdir(app);
  await run('npm', ['install', packed.tarball, '--prefix', app, '--no-audit', '--no-fund'], {cwd: app});
  const isInstalled = (name: string) => existsSync(join(app, 'node_modules', name));
  for (const name of ['maskrcnn', ...packed.dependencies]) t.true(isInstalled(name), name);
  t.false(isInstalled('typescript'));
  await writeFile(join(app, 'program.mjs'), PROGRAM);
  const options = {cwd: app, env: await bareEnvironment()};
  // The previous test put libtorch into the cache.
  const {stdout} = await run(process.execPath, ['program.mjs'], options);
  t.true(JSON.parse(stdout).found > 0, stdout);
  const {stdout: help} = await run(join(app, 'node_modules/.bin/maskrcnn'), ['--help'], options);
  t.regex(help, /^Usage: maskrcnn COMMAND/);
});
