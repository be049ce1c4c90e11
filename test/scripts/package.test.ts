import {execFile} from 'node:child_process';
import {cp, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';
import {minorVersion} from '../../lib/libtorch/layout.js';
import {locateLibtorch} from '../../lib/libtorch/locate.js';
import {pinned} from '../../lib/libtorch/pinned.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
/** What a user reads, or must be given: the notices are those of code that the package contains. */
const TEXTS = ['README.md', 'CHANGELOG.md', 'LICENSE', 'NOTICE'];
/** All that the package is made from: prebuildify moves files, so that it works on a copy. */
const PARTS = [
  ...['package.json', 'CMakeLists.txt', 'binding.d.ts', 'tsconfig.json', 'tsconfig.build.json'],
  ...['lib', 'native', 'scripts', 'build', ...TEXTS],
];

/** A user's script, on discs that it draws. */
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
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-package-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

(process.platform === 'linux' ? test : test.skip)(
  'the packed tarball is small, has no sources, and trains and predicts without a compiler',
  async (t) => {
    const {libDir, version = ''} = await locateLibtorch();
    if (minorVersion(version) !== minorVersion(pinned.torch)) {
      t.log(`skipped: the package is prebuilt for libtorch ${pinned.torch}, and this is ${version}`);
      t.pass();
      return;
    }
    const copy = join(folder, 'copy');
    for (const part of PARTS) await cp(join(root, part), join(copy, part), {recursive: true});
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
    await run('npm', ['run', 'prebuild'], {cwd: copy});
    const {stdout} = await run('npm', ['pack', '--json', '--silent'], {cwd: copy, maxBuffer: 1 << 24});
    const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{filename: string; files: {path: string}[]}];
    const tarball = join(copy, packed.filename);
    t.true((await stat(tarball)).size < 10e6);
    const paths = packed.files.map(({path}) => path);
    for (const path of ['dist/index.js', 'dist/report/page/report.css', 'binding.d.ts', ...TEXTS]) {
      t.true(paths.includes(path), path);
    }
    t.true(paths.some((path) => /^prebuilds\/linux-\w+\/maskrcnn\.(glibc|musl)\.node$/.test(path)));
    t.true(paths.some((path) => path.endsWith('/libtorch_python.so')));
    t.deepEqual(
      paths.filter((path) => /^(native|lib|test|scripts|examples|build)\/|(?<!\.d)\.ts$|\.map$/.test(path)),
      [],
    );

    // As Node's and the bundlers' resolution sees it.
    const bin = (name: string) => join(root, 'node_modules/.bin', name);
    await run(bin('publint'), ['run', tarball, '--strict'], {cwd: copy});
    await run(bin('attw'), [tarball, '--profile', 'esm-only'], {cwd: copy});

    // As npm would lay it out, its dependencies being those of the checkout.
    const app = join(folder, 'app');
    const modules = join(app, 'node_modules');
    await mkdir(modules, {recursive: true});
    await run('tar', ['-xzf', tarball, '-C', modules]);
    await cp(join(modules, 'package'), join(modules, 'maskrcnn'), {recursive: true});
    for (const name of await readdir(join(root, 'node_modules'))) {
      if (name !== 'maskrcnn' && !name.startsWith('.'))
        await symlink(join(root, 'node_modules', name), join(modules, name));
    }
    await writeFile(join(app, 'program.mjs'), PROGRAM);
    const env = {PATH: '/nowhere', HOME: folder, LIBTORCH: dirname(libDir), OMP_WAIT_POLICY: 'passive'};
    const {stdout: said} = await run(process.execPath, ['program.mjs'], {cwd: app, env});
    const {loss, found, best} = JSON.parse(said);
    t.true(loss > 0 && found > 0, said);
    t.is(best, join('run', 'best.safetensors'));
    const cli = join(modules, 'maskrcnn/dist/cli/main.js');
    const {stdout: doctor} = await run(process.execPath, [cli, 'doctor'], {cwd: app, env});
    t.regex(doctor, /ok +Self-test: network/);
    const {stdout: report} = await run(process.execPath, [cli, 'report', 'run'], {cwd: app, env});
    t.is(report, `${join('run', 'report.html')}\n`);
  },
);
