import {MaskRcnnError} from '../../../basics/errors.js';
import {Turn} from '../../../basics/turns.js';
import {closest, listed, show} from '../../../basics/wording.js';

/** What VIA knows of an attribute of regions. */
export type Attribute = {
  /** The texts of its options by their ids. */
  options: ReadonlyMap<string, string>;
  /** Whether a value is a list of ids, as VIA 3 writes checkboxes. */
  isList: boolean;
};

/** A region with the values of its attributes by their names. `where`: in the file, for messages. */
export type Attributed = {where: string; values: ReadonlyMap<string, unknown>};

/** Names of the class among several attributes, the first that there is. */
const CLASS_NAMES = ['class', 'label', 'name', 'type', 'category'];

/**
 * Name of the attribute that is the class: the wanted one, the only one that has values, or one of the usual names.
 * Undefined if regions have none. Throws INVALID_OPTION for an unknown one, and INVALID_DATASET for several.
 */
export async function classAttribute(
  images: readonly {regions: readonly Attributed[]}[],
  wanted: string | undefined,
  file: string,
): Promise<string | undefined> {
  const all = new Set<string>();
  const filled = new Set<string>();
  const turn = new Turn();
  for (const {regions} of images) {
    for (const {values} of regions) {
      if (turn.isOver()) await turn.next();
      for (const [name, value] of values) {
        all.add(name);
        if (!isBlank(value)) filled.add(name);
      }
    }
  }
  if (wanted !== undefined) {
    if (!all.has(wanted)) throw unknownAttribute(wanted, [...all], file);
    return wanted;
  }
  const names = [...filled];
  if (names.length <= 1) return names[0];
  for (const usual of CLASS_NAMES) {
    const name = names.find((each) => each.toLowerCase() === usual);
    if (name !== undefined) return name;
  }
  const message = `The regions of ${file} must have one attribute, got ${listed(names, 20)}.`;
  throw new MaskRcnnError('INVALID_DATASET', message, {file, hint: 'Name that of the class with `attribute`.'});
}

function unknownAttribute(wanted: string, all: readonly string[], file: string): MaskRcnnError {
  const near = closest(wanted, all);
  const known = all.length === 0 ? 'They have none.' : `They are ${listed(all, 20)}.`;
  const message = `\`attribute\` must be one of the regions of ${file}, got ${show(wanted)}.`;
  return new MaskRcnnError('INVALID_OPTION', message, {
    file,
    hint: near === undefined ? known : `Did you mean '${near}'?`,
  });
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/**
 * The class in the attribute `name` of a region: a text, a number, the id of an option, or the only checked box.
 * Undefined if it has no value. Throws INVALID_DATASET.
 */
export function classOf(
  {where, values}: Attributed,
  name: string,
  attribute: Attribute | undefined,
  file: string,
): string | undefined {
  const value = values.get(name);
  if (isBlank(value)) return undefined;
  const wrong = (must: string) => {
    const message = `Attribute '${name}' of ${where} must be ${must}, in ${file}.`;
    return new MaskRcnnError('INVALID_DATASET', message, {file});
  };
  const ids = idsIn(value, attribute?.isList ?? false);
  if (ids === undefined) throw wrong(`a text, got ${show(value)}`);
  if (ids.length > 1) throw wrong(`one class, got ${listed(ids)}`);
  const id = ids[0] ?? '';
  // People end a text with Return, which becomes a part of it.
  return attribute?.options.get(id)?.trim() || id.trim() || undefined;
}

/** Undefined for a value of another kind than VIA writes. */
function idsIn(value: unknown, isList: boolean): readonly string[] | undefined {
  if (typeof value === 'number') return [String(value)];
  if (typeof value === 'string') return isList ? value.split(',').filter((id) => id.trim() !== '') : [value];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value).flatMap(([id, isChecked]) => (isChecked === true ? [id] : []));
}
