import {packageVersion} from '../basics/package-version.js';
import {loadBinding} from './binding.js';

export type Versions = {maskrcnn: string; libtorch: string; node: string};

/** The versions that a run uses. They are saved with its options. */
export async function versions(): Promise<Versions> {
  const binding = await loadBinding();
  return {maskrcnn: packageVersion(), libtorch: binding.environment().libtorch, node: process.versions.node};
}
