import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {Worker} from 'node:worker_threads';

// Not by `import.meta.url`, which is the source in compiled tests, too: see scripts/compiled-tests.ts.
const isCompiled = import.meta.filename.endsWith('.js');

/** The options of Node.js that programs of this checkout need: those that run them by tsx, if these tests run by it. */
export const nodeOptions: readonly string[] = isCompiled ? ['--enable-source-maps'] : ['--import=tsx'];

/** The file to run for the source `path`, which is relative to the root: what it has been compiled to, or itself. */
export function runnable(path: string): string {
  return join(import.meta.dirname, '..', isCompiled ? path.replace(/\.ts$/, '.js') : path);
}

/** The arguments of Node.js that run the program `path`, such as `lib/cli/main.ts`. Those of the program follow. */
export function nodeArguments(path: string): string[] {
  return [...nodeOptions, runnable(path)];
}

/** Starts a worker thread on `file`, the `import.meta.filename` of a program that `nodeArguments()` has started. */
export function startWorker(file: string, workerData?: unknown): Worker {
  if (isCompiled) return new Worker(file, {workerData});
  // Node 20 does not pass the TypeScript loader on to worker threads.
  const load = `import('tsx/esm/api').then((api) => api.register() && import('${pathToFileURL(file)}'))`;
  return new Worker(load, {eval: true, workerData});
}
