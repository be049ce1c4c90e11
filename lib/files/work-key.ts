import {MaskRcnnError} from '../basics/errors.js';

/** What a work in a folder is about, by names for messages. It goes on only if all values are the same. */
export type WorkKey = Readonly<Record<string, string | number | null>>;

/** A value that equals any other. */
export const ANY = '*';

/** The first value that differs: `name` had `before` and has `now`. */
export function keyDifference(before: WorkKey, now: WorkKey): {name: string; before: string; now: string} | undefined {
  const differs = (name: string) => before[name] !== now[name] && before[name] !== ANY;
  const name = Object.keys({...before, ...now}).find(differs);
  const shown = (value: WorkKey[string] | undefined) => (value === undefined || value === null ? 'none' : `${value}`);
  return name === undefined ? undefined : {name, before: shown(before[name]), now: shown(now[name])};
}

/** Throws INVALID_OPTION, which names the difference, if what was begun in `folder` was another. */
export function requireSameKey(was: WorkKey, is: WorkKey, folder: string): void {
  const differs = keyDifference(was, is);
  if (differs === undefined) return;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `What was begun in ${folder} had another ${differs.name}: ${differs.before}, now ${differs.now}.`,
    {file: folder, hint: 'Go on with what it was begun with, or begin anew with --overwrite.'},
  );
}
