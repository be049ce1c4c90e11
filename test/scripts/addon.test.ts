import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {sharedLibrary} from '../../lib/libtorch/layout.js';
import {buildAddon, fingerprint, isAddonFresh} from '../../scripts/addon.js';
import {recordedProgress, temporaryFolder} from '../libtorch/fake-wheel.js';

const libtorch = {root: '', libDir: '', version: '2.13.0+cpu', origin: 'setup'} as const;

async function makeCheckout(root: string): Promise<void> {
  for (const folder of ['native/model', 'build/Release']) mkdirSync(join(root, folder), {recursive: true});
  writeFileSync(join(root, 'CMakeLists.txt'), 'project(x)');
  writeFileSync(join(root, 'native/model/fpn.cpp'), 'int x;');
  writeFileSync(join(root, 'build/Release/maskrcnn.node'), '');
  writeFileSync(join(root, 'build/Release', sharedLibrary('maskrcnn')), '');
  writeFileSync(join(root, 'build/built-from.txt'), await fingerprint(root, libtorch));
}

test('an addon is fresh until a source, the build, or libtorch changes', async (t) => {
  const root = temporaryFolder(t);
  await makeCheckout(root);
  t.true(await isAddonFresh(root, libtorch));
  t.false(await isAddonFresh(root, {...libtorch, version: '2.12.0'}));

  const changes: (() => void)[] = [
    () => writeFileSync(join(root, 'native/model/fpn.cpp'), 'int y;'),
    () => writeFileSync(join(root, 'native/model/new.h'), ''),
    () => writeFileSync(join(root, 'CMakeLists.txt'), 'project(y)'),
    () => rmSync(join(root, 'build/Release', sharedLibrary('maskrcnn'))),
    () => rmSync(join(root, 'build/built-from.txt')),
  ];
  for (const change of changes) {
    await makeCheckout(root);
    change();
    t.false(await isAddonFresh(root, libtorch), String(change));
  }
});

test('a libtorch without headers cannot be built with', async (t) => {
  const root = temporaryFolder(t);
  await makeCheckout(root);
  await t.throwsAsync(buildAddon(root, {...libtorch, root}, recordedProgress().progress), {
    code: 'BUILD_FAILED',
    message: /has no headers \(include\/\) to build with\.\nUnset LIBTORCH/,
  });
});
