import {MaskRcnnError} from '../../basics/errors.js';
import {closest, listed} from '../../basics/wording.js';
import type {Tally} from './annotations.js';

/** The error that a data set has no `what` that can be used: images or objects. */
export function empty(path: string, format: string, what: string, tally: Tally): MaskRcnnError {
  const skipped = [...tally.skipped].map(([reason, number]) => `${number} ${reason}`);
  const but = skipped.length > 0 ? `, but ${skipped.join(', ')}` : '';
  return new MaskRcnnError(
    'INVALID_DATASET',
    `${path} has no ${what} that can be used${but}. It was read as ${format}.`,
    {
      file: path,
    },
  );
}

/**
 * Throws INVALID_OPTION unless `names` are different classes of the data set. If they are all of these and more, the
 * others have no objects here, as in a part of the data with which training goes on. If not, they may be misspelt.
 */
export function checkNames(names: readonly string[], known: readonly string[], path: string): void {
  const areAllChosen = known.every((name) => names.includes(name));
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) !== i) {
      throw new MaskRcnnError('INVALID_OPTION', `Option 'classes' must name each class once, got '${name}' twice.`, {
        file: path,
      });
    }
    if (areAllChosen || known.includes(name)) continue;
    const near = closest(name, known);
    throw new MaskRcnnError('INVALID_OPTION', `Option 'classes' must name classes of ${path}, got '${name}'.`, {
      file: path,
      hint: near === undefined ? `They are ${listed(known, 20)}.` : `Did you mean '${near}'?`,
    });
  }
}
