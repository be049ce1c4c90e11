import {mkdir, writeFile} from 'node:fs/promises';
import {dirname} from 'node:path';

/**
 * Writes `error` to the file from which torchrun tells the cause of a failure, in its form
 * (torch/distributed/elastic/multiprocessing/errors/error_handler.py). Does nothing without torchrun.
 */
export async function writeErrorFile(error: unknown): Promise<void> {
  const file = process.env.TORCHELASTIC_ERROR_FILE;
  if (!file) return;
  const {message, stack = message} = error as Error;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const text = JSON.stringify({message: {message, extraInfo: {py_callstack: stack, timestamp}}});
  // The error itself is what matters: that it cannot be written must not hide it.
  await mkdir(dirname(file), {recursive: true}).catch(() => {});
  await writeFile(file, text).catch(() => {});
}
