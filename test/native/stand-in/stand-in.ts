import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {type Binding, loadBinding, packageRoot} from '../../../lib/addon/binding.js';
import {STAND_IN} from '../../../scripts/addon.js';

/** What was done to the stand-in since it was last asked. */
export type Journal = {
  /** Kernels that a GPU would have been given. */
  operators: number;
  /** What would have made the program wait for a GPU, in order, and how many operators that still had to run when it went on. */
  waits: {what: string; ahead: number}[];
  /** Of captured graphs. */
  replays: number;
};

/** `native/stand_in`: a device whose operators are the CPU's, on which all that this package does with a GPU can run. */
type StandIn = {
  takeJournal(): Journal;
  /** Bytes of the device that are in use. */
  memory(): number;
  /** From then on the device has so many bytes. */
  limitMemory(bytes: number): void;
};

/** By this name libtorch knows the device. */
export const DEVICE = 'mtia';

/** Loads the addon and then the stand-in, which libtorch must not have been asked about before. */
export async function loadStandIn(): Promise<{binding: Binding; standIn: StandIn}> {
  const path = join(packageRoot, STAND_IN);
  if (!existsSync(path)) throw new Error(`${STAND_IN} is not built: \`npm test\` builds it.`);
  const binding = await loadBinding();
  const module = {exports: {} as StandIn};
  process.dlopen(module, path);
  return {binding, standIn: module.exports};
}
