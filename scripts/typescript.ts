import {spawn} from 'node:child_process';
import {copyFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {MaskRcnnError} from '../lib/basics/errors.js';

/** Files that the package reads at run time and that the compiler does not copy. */
const PARTS = ['report/page/report.css', 'report/page/report.js', 'report/page/report-gallery.js'];

/** Compiles lib/ to dist/. Throws BUILD_FAILED. */
export async function compileTypeScript(root: string): Promise<void> {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const child = spawn(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {cwd: root, stdio: 'inherit'});
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) {
    throw new MaskRcnnError('BUILD_FAILED', `TypeScript could not be compiled: tsc ended with code ${code}.`);
  }
  for (const part of PARTS) copyFileSync(join(root, 'lib', part), join(root, 'dist', part));
}
