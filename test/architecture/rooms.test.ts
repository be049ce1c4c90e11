import {mkdirSync, readdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {temporaryFolder} from '../libtorch/fake-wheel.js';
import {type Fault, faultyImports, faultyIncludes, foldersWithNodeApi, readLevels} from './rooms.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const document = join(root, 'docs/architecture.md');
const rooms = readLevels(document, 'The rooms of lib/');
const folders = readLevels(document, 'The folders of native/');

const subfolders = (folder: string) =>
  readdirSync(join(root, folder), {withFileTypes: true})
    .filter((entry) => entry.isDirectory())
    .map(({name}) => name)
    .sort();

test('the tables of docs/architecture.md list every folder of lib/ and native/', (t) => {
  t.deepEqual([...rooms.keys()].sort(), subfolders('lib'));
  const native = subfolders('native').flatMap((name) =>
    name === 'binding' ? subfolders('native/binding').map((part) => `binding/${part}`) : [name],
  );
  t.deepEqual([...folders.keys()].sort(), native);
});

test('lib/ has index.ts and rooms, no loose files', (t) => {
  const loose = readdirSync(join(root, 'lib'), {withFileTypes: true}).filter((entry) => entry.isFile());
  t.deepEqual(
    loose.map(({name}) => name),
    ['index.ts'],
  );
});

test('no import in lib/ goes up, none in a circle', async (t) => {
  t.deepEqual(await faultyImports(root, rooms), []);
});

test('no include in native/ goes up', async (t) => {
  t.deepEqual(await faultyIncludes(root, folders), []);
});

test('Node-API is known to the binding, the loader and the stand-in alone', async (t) => {
  t.deepEqual(await foldersWithNodeApi(root), ['binding', 'loader', 'stand_in']);
});

const write = (folder: string, files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), {recursive: true});
    writeFileSync(join(folder, name), text);
  }
};
const sorted = (faults: Fault[]) => faults.map(({from, to, rule}) => `${rule}: ${from} -> ${to}`).sort();

test('imports that go up, to a room of the same level, out of the rooms or in a circle are found, types too', async (t) => {
  const folder = temporaryFolder(t);
  write(folder, {
    'tsconfig.json': '{}',
    'lib/index.ts': "export {a} from './low/a.js';\n",
    'lib/low/a.ts': "import type {B} from '../high/b.js';\nexport const a: B = 1;\n",
    'lib/low/c.ts': "import {a} from '../index.js';\nexport const c = a;\n",
    'lib/high/b.ts': "import '../beside/d.js';\nexport type B = number;\n",
    'lib/high/e.ts': "import {f} from './f.js';\nexport const e = () => f;\n",
    'lib/high/f.ts': "import {e} from './e.js';\nexport const f = () => e;\n",
    'lib/beside/d.ts': "import '../low/g.js';\n",
    'lib/low/g.ts': 'export const g = 1;\n',
  });
  const levels = new Map([
    ['low', 1],
    ['high', 2],
    ['beside', 2],
  ]);
  t.deepEqual(sorted(await faultyImports(folder, levels)), [
    'circle: lib/high/e.ts -> lib/high/f.ts',
    'up: lib/high/b.ts -> lib/beside/d.ts',
    'up: lib/low/a.ts -> lib/high/b.ts',
    'up: lib/low/c.ts -> lib/index.ts',
  ]);
});

test('includes that go up, and Node-API below the binding, are found', async (t) => {
  const folder = temporaryFolder(t);
  write(folder, {
    'native/aten.h': '',
    'native/ops/a.h': '#include <napi.h>\n#include "aten.h"\n#include "model/b.h"\n',
    'native/model/b.h': '#include "ops/a.h"\n#include "model/c.h"\n',
    'native/model/c.h': '',
  });
  const levels = new Map([
    ['ops', 1],
    ['model', 2],
  ]);
  t.deepEqual(sorted(await faultyIncludes(folder, levels)), ['up: ops/a.h -> model/b.h']);
  t.deepEqual(await foldersWithNodeApi(folder), ['ops']);
  await t.throwsAsync(faultyIncludes(folder, new Map([['ops', 1]])), {message: /native\/model\/b\.h is in no folder/});
});
