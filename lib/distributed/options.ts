import {bool, either, number, object, oneOf, type Schema, text} from '../basics/schema.js';

/** How the processes of a group work together. */
export type DistributedOptions = {
  /**
   * Minutes that a process may keep the others waiting before the run ends with its name. It must be longer than
   * the time that one process takes to save the state. Default 10.
   */
  timeoutMinutes?: number;
  /**
   * The network interface to listen on, such as 'eth0'. Default: GLOO_SOCKET_IFNAME, or else the one that leads to the
   * machine of rank 0.
   */
  interface?: string;
  /**
   * The type in which gradients are sent and summed: 'bfloat16' halves what is sent, and rounds each sum to 8 bits.
   * Default 'float32'.
   */
  gradients?: 'float32' | 'bfloat16';
  /**
   * Training: whether batch norms normalize by the images of all processes, as torch.nn.SyncBatchNorm does. Otherwise
   * each process normalizes by its own images, as DistributedDataParallel does. It needs a network with norms that are
   * trained. Default false.
   */
  syncBatchNorm?: boolean;
};

/** The object of the option `distributed`, which may be a word instead. */
export function distributedOptions(distributed: 'none' | 'auto' | DistributedOptions = 'none'): DistributedOptions {
  return typeof distributed === 'string' ? {} : distributed;
}

/** The values of the option `distributed`. */
export const distributedRule = either(oneOf('none', 'auto'), object);

/** The members of `DistributedOptions`. */
export const DISTRIBUTED: Schema = {
  timeoutMinutes: number({above: 0}),
  interface: text,
  gradients: oneOf('float32', 'bfloat16'),
  syncBatchNorm: bool,
};
