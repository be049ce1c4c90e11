import type {Schema} from '../basics/schema.js';
import {flagName} from './flags.js';

/**
 * Spells the options of `schema` in a message of the library as the command line does: `maskSuffix` becomes
 * --mask-suffix, and binary: 'whole' becomes --binary whole. Words that are no options, and parts of paths, stay.
 */
export function inFlagSpelling(message: string, schema: Schema): string {
  const flag = (name: string) => (Object.hasOwn(schema, name) ? `--${flagName(name)}` : undefined);
  return message
    .replaceAll(/`([a-z]\w*)`/gi, (quoted, name) => flag(name) ?? quoted)
    .replaceAll(/\b([Oo]ption) '(\w+)'/g, (quoted, option, name) => (flag(name) ? `${option} ${flag(name)}` : quoted))
    .replaceAll(/(?<![\w/\\.-])([a-z]\w*): (?:'([\w.-]+)'|(\d[\d.]*\d|\d)(?![\w.]))/gi, (text, name, word, number) =>
      flag(name) ? `${flag(name)} ${word ?? number}` : text,
    )
    .replaceAll(/(?<![\w/\\.'-])[a-z]+[A-Z]\w*(?![\w/\\'-]|\.\w)/g, (name) => flag(name) ?? name);
}
