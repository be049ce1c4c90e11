import type {Schema} from '../basics/schema.js';
import {flagName} from './flags.js';

/** The functions of the library that a command calls, as their messages name them. */
const FUNCTIONS =
  /(?<![\w/\\.])(?:(?:maskRcnn|train|evaluate|inspect|split|tiles|openRegions|predictTiles|serve)\(\)|(?:MaskFolder|Coco|VocSegmentation)\.(?:open|split))(?![\w/\\])/g;

const WORDS: Record<string, unknown> = {true: true, false: false, null: null};

/** A number, a word of JSON, or a list of numbers. */
function fromJson(json: string): unknown {
  if (json in WORDS) return WORDS[json];
  return json.startsWith('[') ? json.slice(1, -1).split(',').map(Number) : Number(json);
}

/**
 * Spells the options of `schema` in a message of the library as the command line does: `maskSuffix` becomes
 * --mask-suffix, binary: 'whole' becomes --binary whole, and exifOrientation: false becomes --no-exif-orientation. With
 * `command`, functions of the library become that, such as maskrcnn train. Words that are no options, and parts of
 * paths and of JSON, stay.
 */
export function inFlagSpelling(message: string, schema: Schema, command?: string): string {
  // The data set is the argument of most commands.
  const flag = (name: string) =>
    name === 'data' ? 'DATA' : Object.hasOwn(schema, name) ? `--${flagName(name)}` : undefined;
  const withValue = (text: string, name: string, word?: string, json = '') => {
    const value: unknown = word ?? fromJson(json);
    if (!Object.hasOwn(schema, name) || !schema[name]!.accepts(value)) return text;
    if (value === true) return `--${flagName(name)}`;
    return value === false ? `--no-${flagName(name)}` : `--${flagName(name)} ${value}`; // an array as a,b
  };
  return message
    .replaceAll(FUNCTIONS, (name) => command ?? name)
    .replaceAll(/(?<=^Its options are ).*(?=\.$)/gm, (names: string) =>
      names
        .split(', ')
        .map((name) => flag(name) ?? name)
        .join(', '),
    )
    .replaceAll(/`([a-z]\w*)`/gi, (quoted, name) => flag(name) ?? quoted)
    .replaceAll(/\b([Oo]ption) '(\w+)'/g, (quoted, option, name) => (flag(name) ? `${option} ${flag(name)}` : quoted))
    .replaceAll(/(?<=^|[.:] |\n)'(data|validation)' (?=must|of a resumed)/g, (_, name) => `${flag(name)} `)
    .replaceAll(
      // Not what is counted: '4 images: 2 epochs'.
      /(?<![\w/\\."-]|\d )([a-zA-Z]\w*): (?:'([\w.-]+)'|(\d+(?:\.\d+)?|true|false|null|\[[-+\d., e]+\])(?!\w|\.\w))/g,
      (text, name, word, value) => withValue(text, name, word, value),
    )
    .replaceAll(/(?<![\w/\\.'"-])[a-z]+[A-Z]\w*(?![\w/\\'"-]|\.\w)/g, (name) => flag(name) ?? name);
}
