import {readdir} from 'node:fs/promises';
import {dirname, join} from 'node:path';

/**
 * torchvision's library of operators next to the libtorch in `root`, where `maskrcnn setup --cuda` and pip put it.
 * Undefined if there is none. Its name is `_C.so` up to torchvision 0.28 and `_C_stable.so` from 0.29 (`.pyd` on
 * Windows).
 */
export async function findOperators(root: string): Promise<string | undefined> {
  const folder = operatorsFolder(root);
  const names = await readdir(folder).catch(() => []);
  const name = names.sort().find((file) => /^_C(_stable)?(\.cpython-\w[\w-]*)?\.(so|pyd)$/.test(file));
  return name && join(folder, name);
}

export function operatorsFolder(root: string): string {
  return join(dirname(root), 'torchvision');
}
