import {spawn} from 'node:child_process';
import {copyFileSync, existsSync} from 'node:fs';
import {readdir, rm, rmdir} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {join, sep} from 'node:path';
import {MaskRcnnError} from '../lib/basics/errors.js';

/** Files that the package reads at run time and that the compiler does not copy. */
const PARTS = [
  'report/page/report.css',
  'report/page/report.js',
  'report/page/report-gallery.js',
  'serve/finder.js',
  'serve/token-form.js',
];

/** Compiles lib/ to dist/, and removes from it what has no source any more. Throws BUILD_FAILED. */
export async function compileTypeScript(root: string): Promise<void> {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const child = spawn(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {cwd: root, stdio: 'inherit'});
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) {
    throw new MaskRcnnError('BUILD_FAILED', `TypeScript could not be compiled: tsc ended with code ${code}.`);
  }
  for (const part of PARTS) copyFileSync(join(root, 'lib', part), join(root, 'dist', part));
  await removeStale(root);
}

/** Removes what dist/ has without a source in lib/. The compiler leaves such files, and npm would pack them. */
export async function removeStale(root: string, folder = ''): Promise<void> {
  const dist = join(root, 'dist', folder);
  for (const entry of await readdir(dist, {withFileTypes: true})) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await removeStale(root, path);
    else if (!isMade(root, path)) await rm(join(root, 'dist', path));
  }
  if (folder !== '' && (await readdir(dist)).length === 0) await rmdir(dist);
}

function isMade(root: string, path: string): boolean {
  if (path === '.tsbuildinfo') return true;
  const source = PARTS.includes(path.replaceAll(sep, '/')) ? path : path.replace(/(\.d\.ts|\.js)$/, '.ts');
  return existsSync(join(root, 'lib', source));
}
