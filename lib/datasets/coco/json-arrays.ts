/** Reads the elements of a large JSON file one after another, in little memory and short turns. */
import {open} from 'node:fs/promises';
import {type JsonElement, JsonScanner} from './json-scanner.js';

export {type JsonElement, JsonFault} from './json-scanner.js';

/** So small that a piece holds the event loop for milliseconds only. */
const CHUNK = 256 << 10;
/**
 * Reads a JSON file that is an array, or an object that contains arrays, in pieces of 256 kB, or of an element if that
 * is longer. Calls `onElements` for the objects of each piece that are in the array of the file, or in the arrays named
 * `keys` of its object, and awaits it. Elements are parsed; the text between them is only checked for brackets and
 * strings. Resolves to the keys that were found.
 *
 * Throws JsonFault with the position of malformed JSON, after `onElements` had what comes before; the file system's
 * error; or what `onElements` throws.
 */
export async function readJsonArrays(
  file: string,
  keys: readonly string[],
  onElements: (elements: JsonElement[]) => void | Promise<void>,
): Promise<Set<string>> {
  const scanner = new JsonScanner(keys);
  await scan(file, scanner, onElements);
  return scanner.found;
}

/**
 * As `readJsonArrays()`, but reads a JSON file that is an object of objects. Calls `onElements` for its members that
 * are objects, and in place of those named `maps`, for the members of these, which must be objects. Resolves to the
 * keys of the file's members that are objects, and of the others. A key that stands twice is given twice.
 */
export async function readJsonMembers(
  file: string,
  maps: readonly string[],
  onElements: (elements: JsonElement[]) => void | Promise<void>,
): Promise<{objects: Set<string>; others: Set<string>}> {
  const scanner = new JsonScanner([], maps);
  await scan(file, scanner, onElements);
  const {found: objects, others} = scanner;
  return {objects, others};
}

async function scan(
  file: string,
  scanner: JsonScanner,
  onElements: (elements: JsonElement[]) => void | Promise<void>,
): Promise<void> {
  const handle = await open(file);
  try {
    for (;;) {
      // As long as what is unfinished, so that a long element is not copied again for each short piece.
      const length = Math.max(CHUNK, scanner.unfinished);
      const {bytesRead, buffer} = await handle.read(Buffer.allocUnsafe(length), 0, length);
      if (bytesRead === 0) return scanner.end();
      let fault: unknown;
      try {
        scanner.read(buffer.subarray(0, bytesRead));
      } catch (error) {
        fault = error;
      }
      await onElements(scanner.take());
      if (fault !== undefined) throw fault;
    }
  } finally {
    await handle.close();
  }
}
