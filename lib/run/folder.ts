import {mkdir, readdir, rm} from 'node:fs/promises';
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

/** What is made of a run besides its options, metrics and checkpoints: by the run itself, and `report.html` by writeReport(). */
const REPORTS: readonly (readonly [folder: string, name: RegExp])[] = [
  ['.', /^(losses|metrics)\.(svg|png)$|^results\.csv$|^report\.html$|^events\.out\.tfevents\.\d{10}\.maskrcnn$/],
  ['batches', /^step-\d+\.png$/],
  ['validation', /^epoch-\d+\.png$/],
];

/** Removes the reports of an earlier run, which would be taken for this one's. Other files in the folder stay. */
export async function removeReports(folder: string): Promise<void> {
  for (const [part, name] of REPORTS) {
    const path = join(folder, part);
    const names = await readdir(path).catch(() => []);
    await Promise.all(names.filter((file) => name.test(file)).map((file) => rm(join(path, file))));
  }
}
