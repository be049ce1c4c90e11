import {randomUUID} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import {MaskRcnnError} from '../basics/errors.js';

/** Where the id of a run is stored. Files of older versions have none: undefined. */
export type RunIds = {
  state: {path: string; id: string | undefined};
  others: readonly {path: string; id: string | undefined}[];
};

/**
 * The id of the run that is resumed; a new one if no file has any. Throws INVALID_CHECKPOINT if another file in the
 * folder has another id than the state: then they are of different runs.
 */
export function resumedRunId({state, others}: RunIds): string {
  const known = others.find(({id}) => id !== undefined)?.id;
  const stranger = others.find(({id}) => state.id !== undefined && id !== undefined && id !== state.id);
  if (stranger === undefined) return state.id ?? known ?? randomUUID();
  throw new MaskRcnnError(
    'INVALID_CHECKPOINT',
    `${state.path} and ${stranger.path} must be of the same run, got run ${state.id} and run ${stranger.id}.`,
    {
      file: state.path,
      hint: 'Put the files of one run back into the folder, or begin a new run: without `resume`, or in another folder.',
    },
  );
}

/** The id in options.json; undefined if the file is missing, damaged, or of an older version. */
export async function runIdOfOptions(path: string): Promise<string | undefined> {
  try {
    const {runId} = JSON.parse(await readFile(path, 'utf8')) as {runId?: unknown};
    return typeof runId === 'string' ? runId : undefined;
  } catch {
    return undefined;
  }
}
