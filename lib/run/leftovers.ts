import {join} from 'node:path';
import {removeTemporaries} from '../files/atomic-file.js';

/** The files of a run that are written atomically. Only the process that holds the run's lock writes them. */
const WRITTEN: readonly (readonly [folder: string, name: RegExp])[] = [
  [
    '.',
    /^((last|best|last\.state|epoch-\d+)\.safetensors|(options|command)\.json|metrics\.jsonl|results\.csv|(losses|metrics)\.(svg|png))$/,
  ],
  ['batches', /^step-\d+\.png$/],
  ['validation', /^epoch-\d+\.png$/],
];

/**
 * Removes what a kill has left of half-written files of the run in `folder`. Call it with the run's lock held: then
 * nobody is writing them.
 */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const [part, name] of WRITTEN) await removeTemporaries(join(folder, part), (target) => name.test(target));
}
