import {readFileSync} from 'node:fs';
import {extname} from 'node:path';
import {fileURLToPath} from 'node:url';
import {type Schema, text} from '../basics/schema.js';
import {flagName} from './flags.js';

const INDENT = 22;
const WIDTH = 120;

/**
 * The doc comments on the members of `type` in `lib/MODULE`, by member name. This way an option is documented in one
 * place, for programs and for the command line. Compiled code reads them from the declaration file next to the module;
 * TypeScript run directly reads them from its source.
 */
export function docComments(module: string, type: string): Map<string, string> {
  const extension = extname(fileURLToPath(import.meta.url)) === '.ts' ? '.ts' : '.d.ts';
  const source = readFileSync(new URL(`../${module}${extension}`, import.meta.url), 'utf8');
  const [, body] = new RegExp(`^export type ${type} = \\{$(.*?)^\\}`, 'ms').exec(source)!;
  const members = body!.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\s*(\w+)\??:/gs);
  return new Map(
    Array.from(members, ([, comment, name]) => [
      name!,
      comment!
        .replaceAll(/\n\s*\*/g, ' ')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    ]),
  );
}

/**
 * Formats the help on the options of `schema`: the meaning of each from `meanings`, and what values it takes. Names of
 * `known` options in a meaning are shown as flags.
 */
export function optionHelp(schema: Schema, meanings: ReadonlyMap<string, string>, known = schema): string {
  return Object.entries(schema)
    .map(([name, {expected}]) => {
      const meaning = inFlags(meanings.get(name) ?? '', known);
      const takes = expected === text.expected ? '' : `Takes ${expected}.`;
      return entry(`--${flagName(name)}`, `${meaning} ${takes}`.trim());
    })
    .join('\n');
}

/** Replaces the names of other options in backticks by their flags. */
function inFlags(meaning: string, schema: Schema): string {
  return meaning.replaceAll(/`([^`]*)`/g, (_, code: string) =>
    Object.hasOwn(schema, code) ? `--${flagName(code)}` : code,
  );
}

/** A flag and its text. They share a line if the flag leaves enough room. */
function entry(flag: string, meaning: string): string {
  const lines = wrap(meaning, WIDTH - INDENT).map((line) => `${' '.repeat(INDENT)}${line}`);
  const head = `  ${flag}`;
  if (head.length >= INDENT - 1) return [head, ...lines].join('\n');
  return [head + lines[0]!.slice(head.length), ...lines.slice(1)].join('\n');
}

function wrap(sentences: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of sentences.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
