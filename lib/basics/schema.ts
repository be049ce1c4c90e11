import {type ErrorDetails, MaskRcnnError} from './errors.js';
import {closest, count, show} from './wording.js';

/** The valid values of an option. `expected` completes the sentence "Option x must be …". */
export type Rule = {
  expected: string;
  accepts: (value: unknown) => boolean;
  /** Valid words, for "did you mean". */
  words?: readonly string[];
};

/**
 * The rules of an options object, by option name. An option that is absent or undefined is valid unless it is
 * `required`.
 */
export type Schema = Readonly<Record<string, Rule & {required?: true}>>;

type Range = {min?: number; max?: number; above?: number; below?: number};

export const bool: Rule = {expected: 'true or false', accepts: (value) => typeof value === 'boolean'};

export const text: Rule = {
  expected: 'a non-empty string',
  accepts: (value) => typeof value === 'string' && value !== '',
};

export const callback: Rule = {expected: 'a function', accepts: (value) => typeof value === 'function'};

/** A finite number in a range. The range includes `min` and `max`, but not `above` and `below`. */
export function number(range: Range = {}): Rule {
  return {
    expected: `a number${inSymbols(range)}`,
    accepts: (value) => typeof value === 'number' && Number.isFinite(value) && isWithin(value, range),
  };
}

export function integer(range: Range = {}): Rule {
  return {
    expected: `an integer${inSymbols(range)}`,
    accepts: (value) => Number.isSafeInteger(value) && isWithin(value as number, range),
  };
}

/** One of a few words or numbers. */
export function oneOf(...values: readonly (string | number)[]): Rule {
  return {
    expected: `one of ${values.map((value) => show(value)).join(', ')}`,
    accepts: (value) => values.includes(value as string),
    words: values.filter((value) => typeof value === 'string'),
  };
}

/** An array or typed array. `rule` applies to each item. It has exactly `length` items, or at least `min`. */
export function listOf(rule: Rule, {length, min = 0}: {length?: number; min?: number} = {}): Rule {
  const size =
    length === undefined ? (min === 0 ? '' : ` of at least ${count(min, 'item')}`) : ` of ${count(length, 'item')}`;
  return {
    expected: `an array${size}, each ${rule.expected}`,
    accepts: (value) =>
      (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) &&
      (length === undefined ? (value as unknown[]).length >= min : (value as unknown[]).length === length) &&
      Array.from(value as unknown[]).every(rule.accepts),
  };
}

export function instanceOf(type: abstract new (...args: never[]) => unknown): Rule {
  return {expected: `an instance of ${type.name}`, accepts: (value) => value instanceof type};
}

export function either(...rules: Rule[]): Rule {
  return {
    expected: rules.map(({expected}) => expected).join(', or '),
    accepts: (value) => rules.some((rule) => rule.accepts(value)),
    words: rules.flatMap(({words = []}) => words),
  };
}

/** An object. A separate schema checks its members. */
export const object: Rule = {
  expected: 'an object',
  accepts: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

export const nothing: Rule = {expected: 'null', accepts: (value) => value === null};

export function required(rule: Rule): Rule & {required: true} {
  return {...rule, required: true};
}

/**
 * Checks the options `given` to `where` (the name of the function, as the user knows it) against `schema`. Throws
 * INVALID_OPTION for an unknown option, a missing required option, or an invalid value. `details` become part of it.
 */
export function checkOptions(given: unknown, schema: Schema, where: string, details: ErrorDetails = {}): void {
  const options = given ?? {};
  const invalid = (message: string, more: ErrorDetails = {}) =>
    new MaskRcnnError('INVALID_OPTION', message, {...details, ...more});
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw invalid(`The options of ${where} must be an object, got ${show(given)}.`);
  }
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (rule === undefined)
      throw invalid(`${where} has no option '${name}'.`, {hint: nameHint(name, Object.keys(schema))});
    if (value === undefined || rule.accepts(value)) continue;
    const near = typeof value === 'string' ? closest(value, rule.words ?? []) : undefined;
    throw invalid(
      `Option '${name}' of ${where} must be ${rule.expected}, got ${show(value)}.`,
      near === undefined ? {} : {hint: `Did you mean '${near}'?`},
    );
  }
  for (const [name, rule] of Object.entries(schema)) {
    if (rule.required && (options as Record<string, unknown>)[name] === undefined) {
      throw invalid(`${where} needs option '${name}': ${rule.expected}.`);
    }
  }
}

function nameHint(name: string, known: string[]): string {
  const near = closest(name, known);
  return near === undefined ? `Its options are ${known.join(', ')}.` : `Did you mean '${near}'?`;
}

function isWithin(value: number, {min, max, above, below}: Range): boolean {
  return (
    value >= (min ?? -Infinity) &&
    value <= (max ?? Infinity) &&
    (above === undefined || value > above) &&
    (below === undefined || value < below)
  );
}

function inSymbols({min, max, above, below}: Range): string {
  const parts: string[] = [];
  if (min !== undefined) parts.push(`>= ${min}`);
  if (above !== undefined) parts.push(`> ${above}`);
  if (max !== undefined) parts.push(`<= ${max}`);
  if (below !== undefined) parts.push(`< ${below}`);
  return parts.length === 0 ? '' : ` ${parts.join(' and ')}`;
}
