import {createHash} from 'node:crypto';
import {setImmediate} from 'node:timers/promises';
import {isDeepStrictEqual} from 'node:util';
import {versions} from '../addon/versions.js';
import {MaskRcnnError} from '../basics/errors.js';
import {show} from '../basics/wording.js';
import type {ProcessGroup} from './process-group.js';

/**
 * Throws INVALID_OPTION on all processes unless they have the same `values`, by the names that the message has for
 * them. Processes that compute other things would wait for each other in different places.
 */
export async function requireSame(group: ProcessGroup, values: Readonly<Record<string, unknown>>): Promise<void> {
  const [first, ...others] = await group.gather(values);
  for (const [i, other] of others.entries()) {
    for (const name of Object.keys({...first, ...other})) {
      if (isDeepStrictEqual(first![name], other[name])) continue;
      const [a, b] = [first![name], other[name]].map(show);
      throw new MaskRcnnError(
        'INVALID_OPTION',
        `${name} must be the same in all processes, but rank 0 has ${a} and rank ${i + 1} has ${b}.`,
      );
    }
  }
}

/** What `requireSame()` is to compare of the packages and the network: two versions may compute differently. */
export async function ofProgram(network: object): Promise<Record<string, unknown>> {
  const {maskrcnn, libtorch} = await versions();
  const {device: _, threads: __, ...options} = network as Record<string, unknown>;
  return {
    'The version of maskrcnn': maskrcnn,
    'The version of libtorch': libtorch,
    ...Object.fromEntries(Object.entries(options).map(([name, value]) => [`The network's option '${name}'`, value])),
  };
}

/** Bytes that are hashed in one turn of the event loop. */
const TURN = 8 << 20;

/** A digest of tensors, of their names and all bits. */
export async function digestOfTensors(tensors: ReadonlyMap<string, {data: ArrayBufferView}>): Promise<string> {
  const hash = createHash('sha1');
  for (const [name, {data}] of tensors) {
    hash.update(name);
    for (let begin = 0; begin < data.byteLength; begin += TURN) {
      const length = Math.min(TURN, data.byteLength - begin);
      hash.update(new Uint8Array(data.buffer, data.byteOffset + begin, length));
      await setImmediate();
    }
  }
  return hash.digest('base64').slice(0, 12);
}
