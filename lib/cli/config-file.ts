import {readFile} from 'node:fs/promises';
import {parse as parseYaml, YAMLParseError} from 'yaml';
import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions, type Schema} from '../basics/schema.js';

/** Reads options by their camelCase names from a JSON or YAML file. Throws INVALID_OPTION, naming the file and line. */
export async function readConfigFile(file: string, schema: Schema): Promise<Record<string, unknown>> {
  let content: unknown;
  try {
    content = parseYaml(await readFile(file, 'utf8')); // YAML includes JSON
  } catch (cause) {
    const [line] = (cause as Error).message.split('\n', 1);
    const what = cause instanceof YAMLParseError ? 'must be YAML or JSON' : 'must be a file of options';
    throw new MaskRcnnError('INVALID_OPTION', `${file} ${what}: ${line}`, {file, cause});
  }
  checkOptions(content, schema, file, {file});
  return (content ?? {}) as Record<string, unknown>;
}
