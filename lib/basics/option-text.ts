// Options as people write them on a command line or in an address.

import {parse as parseYaml} from 'yaml';
import type {Rule} from './schema.js';

/** More brackets than an option has. Parsers of nested text can run out of stack or memory on thousands. */
const MOST_BRACKETS = 64;

/**
 * The value that is written as `texts`, one for each time that the option is given: the first reading that `rule`
 * accepts. Readings of one text: as it is; as YAML, such as numbers, `true`, `[1, 2]` or `{a: 1}`; as a list separated
 * by commas. If there is none, a value to show in the error message.
 */
export function fromText(texts: readonly string[], rule: Rule): unknown {
  return firstAccepted(texts, rule, fromYaml);
}

/**
 * As `fromText()`, for texts of strangers: numbers, `true` and `false`, words, and lists of them that are separated by
 * commas, with or without brackets around. Nothing else is parsed.
 */
export function fromPlainText(texts: readonly string[], rule: Rule): unknown {
  return firstAccepted(texts, rule, fromPlain);
}

function firstAccepted(texts: readonly string[], rule: Rule, parse: (text: string) => unknown): unknown {
  const last = texts.at(-1)!;
  const readings: unknown[] =
    texts.length > 1
      ? [texts, texts.map(parse)]
      : [last, parse(last), last.split(',').map((item) => parse(item.trim())), last.split(',')];
  return readings.find((reading) => rule.accepts(reading)) ?? (texts.length > 1 ? texts : parse(last));
}

function fromYaml(text: string): unknown {
  if (text.split(/[[{]/, MOST_BRACKETS + 1).length > MOST_BRACKETS) return text;
  try {
    return parseYaml(text, {logLevel: 'error'});
  } catch {
    return text;
  }
}

function fromPlain(text: string): unknown {
  const [, inside] = /^\[([^[\]]*)\]$/.exec(text) ?? [];
  if (inside !== undefined) return inside.split(',').map((item) => fromPlain(item.trim()));
  if (text === 'true' || text === 'false') return text === 'true';
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : text;
}
