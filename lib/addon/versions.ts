import {readFile} from 'node:fs/promises';
import {loadBinding} from './binding.js';

export type Versions = {maskrcnn: string; libtorch: string; node: string};

/** The versions that a run uses. They are saved with its options. */
export async function versions(): Promise<Versions> {
  const [binding, text] = await Promise.all([
    loadBinding(),
    readFile(new URL('../../package.json', import.meta.url), 'utf8'),
  ]);
  const {version} = JSON.parse(text) as {version: string};
  return {maskrcnn: version, libtorch: binding.environment().libtorch, node: process.versions.node};
}
