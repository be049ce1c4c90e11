import {createProgress} from '../basics/progress.js';
import type {Output} from './run.js';

/**
 * Results go to the standard output, progress and errors to the standard error. What reads them may end before the
 * command: a terminal, or `head`. The command goes on then, because its work is in files. If results are lost for
 * another reason, such as a full disk, it says so, and the process ends with code 1.
 */
export function standardOutput(): Output {
  const {stdout, stderr} = process;
  stderr.on('error', () => {});
  let isLost = false;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isLost || stdout.isTTY || error.code === 'EPIPE') return;
    isLost = true;
    stderr.write(`error: Results could not be written to the standard output: ${error.message}.\n`);
    process.once('exit', () => {
      process.exitCode ||= 1;
    });
  });
  // console.log() hides the first error of a file.
  return {out: (text) => stdout.write(`${text}\n`), progress: createProgress()};
}
