import {readFile} from 'node:fs/promises';
import {MaskRcnnError} from '../basics/errors.js';

/**
 * Reads an object that this package wrote to a JSON file. Throws INVALID_DATASET, with `hint`, if the file is damaged:
 * empty, cut off or changed. Throws the error of the system if it cannot be read.
 */
export async function readJsonObject(file: string, hint: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, 'utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return {...value};
    throw new TypeError('it is no object');
  } catch (cause) {
    const why = text.trim() === '' ? 'it is empty' : (cause as Error).message;
    throw new MaskRcnnError('INVALID_DATASET', `${file} is damaged, and must be a JSON object: ${why}.`, {
      file,
      hint,
      cause,
    });
  }
}
