import {readdir} from 'node:fs/promises';
import {dirname, join} from 'node:path';

/**
 * torchvision's library of operators beside the libtorch at `root`, as `maskrcnn setup --cuda` and pip lay them out; undefined if
 * there is none. It is `_C.so` up to torchvision 0.28 and `_C_stable.so` from 0.29 on (`.pyd` on Windows).
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
