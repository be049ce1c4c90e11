import {readdir, stat} from 'node:fs/promises';
import {dirname, extname, join} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {listed} from '../basics/wording.js';
import {invalidCheckpoint} from './invalid-checkpoint.js';
import type {WeightsMetadata} from './metadata.js';

/** The names of a run's weights in its folder. */
export const BEST_WEIGHTS = 'best.safetensors';
export const LAST_WEIGHTS = 'last.safetensors';

/** What the weights of an earlier run are called once a new run has begun in its folder. */
export const EARLIER_WEIGHTS = [
  [BEST_WEIGHTS, 'earlier-best.safetensors'],
  [LAST_WEIGHTS, 'earlier-last.safetensors'],
] as const;

/** The name of the state that a run resumes from. */
export const RUN_STATE = 'last.state.safetensors';

/** The metadata key of a state file under which the training state is stored as JSON. */
export const TRAINING = 'maskrcnn_training';

const EXTENSIONS = ['.safetensors', '.pth', '.pt'];

/**
 * The weights that are meant by `path`: the best ones if it is the folder of a run, with a note that says so; else
 * `path` itself, be it there or not. Throws INVALID_OPTION for a folder without best weights, and names others in it.
 */
export async function weightsAt(path: string): Promise<{file: string; note?: string}> {
  if (!(await stat(path).catch(() => undefined))?.isDirectory()) return {file: path};
  const best = join(path, BEST_WEIGHTS);
  if (await isFile(best)) return {file: best, note: `${path} is a folder: took ${best}.`};
  const entries = await readdir(path, {withFileTypes: true}).catch(() => []);
  const names = entries.filter((entry) => !entry.isDirectory()).map(({name}) => name);
  const others = names.filter((name) => EXTENSIONS.includes(extname(name)) && name !== RUN_STATE).sort();
  throw new MaskRcnnError('INVALID_OPTION', `${path} is a folder without ${BEST_WEIGHTS}, the best weights of a run.`, {
    file: path,
    hint:
      others.length > 0
        ? `Name a file instead: ${listed(others.map((name) => join(path, name)))}.`
        : 'Name a file of weights instead.',
  });
}

/** Throws INVALID_CHECKPOINT if a file with this metadata is the state of a run, and names the weights beside it. */
export async function requireNoState(file: string, metadata: WeightsMetadata): Promise<void> {
  if (metadata[TRAINING] === undefined) return;
  const beside = [BEST_WEIGHTS, LAST_WEIGHTS].map((name) => join(dirname(file), name));
  const there = await Promise.all(beside.map(isFile));
  const weights = beside.filter((_, i) => there[i]);
  throw invalidCheckpoint(
    file,
    'is the state that a run resumes from, not a file of weights',
    weights.length > 0
      ? `Name the weights of the run: ${weights.join(' or ')}.`
      : `Name the weights of the run: its ${BEST_WEIGHTS} or ${LAST_WEIGHTS}.`,
  );
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
