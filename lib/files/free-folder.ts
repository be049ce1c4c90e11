import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';

/** Makes the first free of `stem`, `stem`-2, ... `mkdir` makes a name for one process only, so that runs that start together share none. */
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
