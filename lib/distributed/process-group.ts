import {hostname} from 'node:os';
import {deserialize, serialize} from 'node:v8';
import type {Group} from '../../binding.js';
import {type Binding, loadBinding, loadRuntime} from '../addon/binding.js';
import {gpuIndex, prepareNccl} from '../addon/device.js';
import {fromNative, native} from '../addon/native-errors.js';
import {MaskRcnnError} from '../basics/errors.js';
import {checkOptions} from '../basics/schema.js';
import {writeErrorFile} from './error-file.js';
import {DISTRIBUTED, type DistributedOptions, distributedOptions} from './options.js';
import {findPlace, type Place} from './place.js';

const TIMEOUT_MINUTES = 10;

/**
 * The processes that compute together, as one of them sees it. All ranks must call the same methods in the same order.
 * If one of them ends, fails or hangs, the methods throw GROUP_FAILED on all others, with its rank and its last words.
 */
export class ProcessGroup {
  readonly rank: number;
  readonly size: number;
  readonly #group: Group;
  /** Errors that `during()` has dealt with. */
  readonly #told = new WeakSet<Error>();

  private constructor({rank, size}: Place, group: Group) {
    this.rank = rank;
    this.size = size;
    this.#group = group;
  }

  /** Waits until all processes have joined. From the call on, `Group.closeAll()` ends that. Throws GROUP_FAILED. */
  static async join({Group}: Binding, place: Place, options: DistributedOptions = {}): Promise<ProcessGroup> {
    const {rank, size, address, port, serves, attempt} = place;
    const group = await native(() =>
      Group.join({
        rank,
        size,
        address,
        port,
        serves,
        prefix: `maskrcnn/${attempt}`,
        interface: options.interface ?? process.env.GLOO_SOCKET_IFNAME ?? '',
        timeout: 60 * (options.timeoutMinutes ?? TIMEOUT_MINUTES),
        host: hostname(),
      }),
    );
    return new ProcessGroup(place, group);
  }

  /** The group of the addon, for `Model.join()`. */
  get native(): Group {
    return this.#group;
  }

  /**
   * Prepares the group to compute on `device`, which must be another GPU for each process of a machine, or the CPU for
   * all. Throws INVALID_OPTION, DEVICE_UNAVAILABLE, GROUP_FAILED.
   */
  async useDevice(device: string): Promise<void> {
    const {CUDA_VISIBLE_DEVICES: visible} = process.env;
    requireDifferentGpus(await this.gather({device, host: hostname(), visible}));
    const gpu = gpuIndex(device);
    if (gpu === undefined) return;
    const obstacle = await prepareNccl(await loadRuntime());
    if (obstacle !== undefined) {
      throw new MaskRcnnError('DEVICE_UNAVAILABLE', `Processes cannot train together on GPUs: ${obstacle.problem}.`, {
        hint: `${obstacle.hint} device: 'cpu' needs none.`,
      });
    }
    await native(() => this.#group.useDevice(device));
  }

  /** Whether this process writes what all have made together. */
  get isFirst(): boolean {
    return this.rank === 0;
  }

  /** What rank 0 has made, on all ranks. `make` runs on rank 0 alone. If it throws, the others need `during()`. */
  async fromFirst<T>(make: () => Promise<T> | T): Promise<T> {
    if (!this.isFirst) return deserialize(await native(() => this.#group.broadcast(new Uint8Array())));
    const value = await make();
    await native(() => this.#group.broadcast(serialize(value)));
    return value;
  }

  /** The bytes of rank 0, on all ranks; they may be many. */
  async bytesFromFirst(bytes: Uint8Array | undefined): Promise<Uint8Array> {
    return native(() => this.#group.broadcast(bytes ?? new Uint8Array()));
  }

  /** The values of all ranks, by rank. */
  async gather<T>(value: T): Promise<T[]> {
    const parts = await native(() => this.#group.gather(serialize(value)));
    return parts.map((part) => deserialize(part));
  }

  /** The values of all ranks, by rank, on rank 0; undefined on the others. */
  async gatherOnFirst<T>(value: T): Promise<T[] | undefined> {
    const parts = await native(() => this.#group.gather(serialize(value)));
    return this.isFirst ? parts.map((part) => deserialize(part)) : undefined;
  }

  /** For each of `questions`, whether it is true on any rank. So all ranks decide the same. */
  async any<T extends Record<string, boolean>>(questions: T): Promise<T> {
    const names = Object.keys(questions);
    const sums = await native(() => this.#group.sum(Float64Array.from(names, (name) => Number(questions[name]))));
    return Object.fromEntries(names.map((name, i) => [name, sums[i]! > 0])) as T;
  }

  /** Waits until rank 0 has come to the point `name`, for as long as that takes it. Each name may be used once. */
  async pass(name: string): Promise<void> {
    await native(() => this.#group.pass(name));
  }

  /** Waits for all ranks. */
  async meet(): Promise<void> {
    await this.any({isHere: true});
  }

  /**
   * Runs `work` as this rank's part of what all do. If it throws, the others end with this rank's error, and it is
   * written to torchrun's TORCHELASTIC_ERROR_FILE. `isShared` tells errors that all ranks throw by themselves.
   */
  async during<T>(work: () => Promise<T>, isShared: (error: unknown) => boolean = () => false): Promise<T> {
    try {
      return await work();
    } catch (error) {
      // A part may be within another one.
      if (this.#told.has(error as Error)) throw error;
      this.#told.add(error as Error);
      const isOwn = !(error instanceof MaskRcnnError && error.code === 'GROUP_FAILED');
      if (isOwn && !isShared(error)) await this.#group.fail((error as Error).message.split('\n')[0]!).catch(() => {});
      if (isOwn) await writeErrorFile(error);
      throw error;
    }
  }
}

/** Where each process computes. `visible` are the GPUs that a launcher lets it see. */
type Whereabouts = {device: string; host: string; visible: string | undefined};

/** Throws INVALID_OPTION unless all processes, by rank, compute on the CPU, or each on a GPU of its own. */
export function requireDifferentGpus(ranks: readonly Whereabouts[]): void {
  const gpus = ranks.map(({device}) => gpuIndex(device));
  const other = gpus.findIndex((gpu) => (gpu === undefined) !== (gpus[0] === undefined));
  if (other > 0) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `All processes must train on the same kind of device: that of rank 0 is ${ranks[0]!.device} and that of ` +
        `rank ${other} is ${ranks[other]!.device}.`,
      {hint: "Make all models with the same option `device`: 'cuda' is a GPU for each process of a machine."},
    );
  }
  const seen = new Map<string, number>();
  for (const [rank, {host, visible}] of ranks.entries()) {
    if (gpus[rank] === undefined) continue;
    const gpu = JSON.stringify([host, visible, gpus[rank]]);
    const before = seen.get(gpu);
    if (before !== undefined) {
      throw new MaskRcnnError(
        'INVALID_OPTION',
        `Each process must train on a GPU of its own, but rank ${before} and rank ${rank} both have ` +
          `cuda:${gpus[rank]} of ${host}.`,
        {hint: "Make the models with device: 'cuda', which is the GPU of LOCAL_RANK, and start one process per GPU."},
      );
    }
    seen.set(gpu, rank);
  }
}

let joined: Promise<ProcessGroup> | undefined;

/**
 * The group that a launcher has put this process into; undefined if there is none, or the option `distributed` is
 * 'none'. A process joins once and stays until it ends. `subject` names the function of the option. Throws
 * INVALID_OPTION, GROUP_FAILED, or the signal's reason if it is aborted while others are still to join.
 */
export async function joinGroup(
  distributed: 'none' | 'auto' | DistributedOptions,
  subject: string,
  signal?: AbortSignal,
): Promise<ProcessGroup | undefined> {
  if (distributed === 'none') return undefined;
  const options = distributedOptions(distributed);
  checkOptions(options, DISTRIBUTED, `${subject}'s distributed`);
  const place = findPlace();
  if (place === undefined) return undefined;
  const binding = await loadBinding();
  signal?.throwIfAborted();
  joined ??= ProcessGroup.join(binding, place, options);
  const stop = () => binding.Group.closeAll();
  signal?.addEventListener('abort', stop, {once: true});
  try {
    const group = await joined;
    // All may have joined before the abort, of which this thread hears only now. The group is closed then.
    signal?.throwIfAborted();
    return group;
  } catch (error) {
    signal?.throwIfAborted();
    await writeErrorFile(error);
    throw fromNative(error);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
