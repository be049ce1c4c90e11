// Options as people write them on a command line or in an address.

import {parse as parseYaml} from 'yaml';
import type {Rule} from './schema.js';

/**
 * The value that is written as `texts`, one for each time that the option is given: the first reading that `rule`
 * accepts. Readings of one text: as it is; as YAML, such as numbers, `true`, `[1, 2]` or `{a: 1}`; as a list separated
 * by commas. If there is none, a value to show in the error message.
 */
export function fromText(texts: readonly string[], rule: Rule): unknown {
  const last = texts.at(-1)!;
  const readings: unknown[] =
    texts.length > 1
      ? [texts, texts.map(fromYaml)]
      : [last, fromYaml(last), last.split(',').map((item) => fromYaml(item.trim())), last.split(',')];
  return readings.find((reading) => rule.accepts(reading)) ?? (texts.length > 1 ? texts : fromYaml(last));
}

function fromYaml(text: string): unknown {
  try {
    return parseYaml(text);
  } catch {
    return text;
  }
}
