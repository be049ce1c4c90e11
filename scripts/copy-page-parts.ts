/** Copies what the package reads when it runs and the compiler leaves behind. */
import {copyFileSync} from 'node:fs';

for (const name of ['report.css', 'report.js']) {
  const part = (folder: string) => new URL(`../${folder}/report/page/${name}`, import.meta.url);
  copyFileSync(part('lib'), part('dist'));
}
