import {readFile, writeFile} from 'node:fs/promises';
import test from 'ava';
import {describeSurface} from './surface.js';

/** What users import, and the record of it. */
const MODULES = [
  ['maskrcnn', 'lib/index.ts', 'surface.txt'],
  ['maskrcnn/onnx', 'lib/onnx-runtime/index.ts', 'surface-onnx.txt'],
] as const;

for (const [name, module, record] of MODULES) {
  test(`the public API of ${name} is the one that ${record} records`, async (t) => {
    const file = new URL(record, import.meta.url);
    const surface = describeSurface(module);
    // After an intended change: run UPDATE_API=1 npx ava test/api/surface.test.ts, add a line to CHANGELOG.md, and
    // commit both.
    if (process.env.UPDATE_API === '1') await writeFile(file, surface);
    t.deepEqual(surface.split('\n\n'), (await readFile(file, 'utf8')).split('\n\n'));
  });
}
