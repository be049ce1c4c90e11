import {listed} from '../basics/wording.js';

/** A sentence on objects that were left out, with some names: '2 objects with invalid shapes were left out: …'. */
export function leftOut(names: ReadonlySet<string>, one: string, several: string): string[] {
  if (names.size === 0) return [];
  const what = names.size === 1 ? `1 object ${one} was` : `${names.size} objects ${several} were`;
  return [`${what} left out: ${listed([...names], 3)}.`];
}
