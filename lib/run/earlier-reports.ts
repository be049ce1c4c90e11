import {readdir, rm} from 'node:fs/promises';
import {join} from 'node:path';

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
