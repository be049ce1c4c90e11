import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';

/**
 * Creates the first folder of `stem`, `stem`-2, ... that does not exist. `mkdir` succeeds for only one process, so runs
 * that start at the same time get different folders.
 */
export async function makeFreeFolder(stem: string): Promise<string> {
  await mkdir(join(stem, '..'), {recursive: true});
  for (let number = 1; ; number++) {
    const folder = number === 1 ? stem : `${stem}-${number}`;
    try {
      await mkdir(folder);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
