import {execFile} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import test from 'ava';
import {build} from 'esbuild';

const run = promisify(execFile);
const binding = fileURLToPath(new URL('../../lib/addon/binding.ts', import.meta.url));

for (const [format, extension] of [
  ['esm', 'mjs'],
  ['cjs', 'cjs'],
] as const) {
  test(`code that a bundler has moved into one file (${format}) says so, and what helps`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-bundle-'));
    t.teardown(() => rm(folder, {recursive: true}));
    const outfile = join(folder, 'dist', 'app', `program.${extension}`);
    const contents = `import {loadBinding} from ${JSON.stringify(binding)}; loadBinding().catch((error) => { throw error; });`;
    const stdin = {contents, resolveDir: folder};
    await build({stdin, bundle: true, platform: 'node', format, outfile, logLevel: 'silent'});
    const error = await t.throwsAsync<Error & {stderr: string}>(run(process.execPath, [outfile]));
    t.regex(error!.stderr, /MaskRcnnError: The code of maskrcnn must be in its own package.* a bundler has moved it\./);
    t.regex(error!.stderr, /external: \['maskrcnn'\]/);
    t.regex(error!.stderr, /code: 'ADDON_NOT_FOUND'/);
  });
}
