import {readdir, rm} from 'node:fs/promises';
import {join} from 'node:path';

/**
 * The reports of a run, without its options, metrics and checkpoints. `report.html` is from writeReport(), the rest
 * from the run.
 */
const REPORTS: readonly (readonly [folder: string, name: RegExp])[] = [
  ['.', /^(losses|metrics)\.(svg|png)$|^results\.csv$|^report\.html$|^events\.out\.tfevents\.\d{10}\.maskrcnn$/],
  ['batches', /^step-\d+\.png$/],
  ['validation', /^epoch-\d+\.png$/],
];

/** Removes the reports of an earlier run so that they are not mistaken for those of the new one. Other files stay. */
export async function removeReports(folder: string): Promise<void> {
  for (const [part, name] of REPORTS) {
    const path = join(folder, part);
    const names = await readdir(path).catch(() => []);
    await Promise.all(names.filter((file) => name.test(file)).map((file) => rm(join(path, file))));
  }
}
