import {readdir, rm, rmdir} from 'node:fs/promises';
import {join} from 'node:path';
import {writing} from '../../files/writing.js';
import {isToolFormat} from '../tool-formats.js';
import {sharedNames} from './output-files.js';
import {JOURNAL, type PartHead} from './part-journal.js';

/**
 * Removes what a prediction has written to the folder of a part and that is now elsewhere, and the folder if nothing
 * else is in it. Returns whether it is gone. Throws WRITE_FAILED.
 */
export async function removePart(folder: string, {output: {formats}}: PartHead): Promise<boolean> {
  const names = [...sharedNames({formats}), ...formats.filter(isToolFormat), JOURNAL];
  for (const name of names) {
    const path = join(folder, name);
    await writing(path, () => rm(path, {recursive: true, force: true}));
  }
  return removeEmpty(folder);
}

/** Removes the folders without files in `folder`, and itself. Returns whether it is gone. */
async function removeEmpty(folder: string): Promise<boolean> {
  let isEmpty = true;
  for (const entry of await readdir(folder, {withFileTypes: true})) {
    const isGone = entry.isDirectory() && (await removeEmpty(join(folder, entry.name)));
    isEmpty &&= isGone;
  }
  if (isEmpty) await writing(folder, () => rmdir(folder));
  return isEmpty;
}
