import {readFileSync} from 'node:fs';

/** Reads `test/fixtures/NAME`. */
export function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')) as T;
}
