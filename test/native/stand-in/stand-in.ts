import {existsSync} from 'node:fs';
import {constants} from 'node:os';
import {join} from 'node:path';
import {type Binding, loadBinding, packageRoot} from '../../../lib/addon/binding.js';
import {STAND_IN} from '../../../scripts/addon.js';

/** What happened on the stand-in since the last request. */
export type Journal = {
  /** Number of kernels that a GPU would have run. */
  operators: number;
  /**
   * The events at which the program would have waited for a GPU, in order, and how many operators were still queued
   * when it went on.
   */
  waits: {what: string; ahead: number}[];
  /** Number of replays of captured graphs. */
  replays: number;
};

/**
 * `native/stand_in`: a device that uses the CPU's operators, so that everything that this package does with a GPU can
 * run.
 */
type StandIn = {
  takeJournal(): Journal;
  /** Bytes of the device's memory in use. */
  memory(): number;
  /** Limits the device's memory to this many bytes from now on. */
  limitMemory(bytes: number): void;
  /** Numbers of operations of groups on the device, of this process: held now, and begun so far. */
  operations(): {held: number; begun: number};
  /**
   * From now on until this is called with false, operations of groups on the device are held before they begin. A
   * backend that is freed meanwhile ends the process.
   */
  holdOperations(isHeld: boolean): void;
  /**
   * Closes a group of one process on two threads at the same time, several times. `port`: of this machine, for its
   * store; so in the following.
   */
  closeTwice(port: number): void;
  /**
   * Closes a group of one process after an operation on the CPU whose future is completed, and whose work has still to
   * say that it has ended, as with Gloo. Returns why the group has failed, or ''.
   */
  closeAfterEnd(port: number): string;
  /** Closes rank 0 of two while an operation on the CPU begins. Returns what rank 1 hears. */
  closeWhileBeginning(port: number): string;
};

/** The name of the device in libtorch. */
export const DEVICE = 'mtia';

/** Loads the addon, then the stand-in. libtorch must not have been asked for the device before. */
export async function loadStandIn(): Promise<{binding: Binding; standIn: StandIn}> {
  const path = join(packageRoot, STAND_IN);
  if (!existsSync(path)) throw new Error(`${STAND_IN} is not built: \`npm test\` builds it.`);
  const binding = await loadBinding();
  const module = {exports: {} as StandIn};
  // Global, since a group looks for a symbol that the library of NCCL has as well.
  process.dlopen(module, path, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL);
  return {binding, standIn: module.exports};
}
