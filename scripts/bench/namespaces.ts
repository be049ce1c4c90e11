import {spawnSync} from 'node:child_process';

/** A name that no other interface or namespace has: at most 15 characters with what follows it. */
const PREFIX = `mrcnn${process.pid % 100_000}`;

/** Addresses of the private network. */
const NETWORK = '10.213.7';

/**
 * Network namespaces on this machine that a bridge joins. Each stands for a machine: what it sends and what it receives
 * is limited to a rate. This takes root, and `ip` and `tc` of iproute2.
 */
export class Namespaces {
  readonly #size: number;

  private constructor(size: number) {
    this.#size = size;
  }

  /** `rate` in the words of tc(8), such as '1gbit'. Throws if it cannot be done here. */
  static create(size: number, rate: string): Namespaces {
    if (process.getuid?.() !== 0) throw new Error('--rate makes network namespaces, which only root may do.');
    const namespaces = new Namespaces(size);
    try {
      run('ip', 'link', 'add', PREFIX, 'type', 'bridge');
      run('ip', 'link', 'set', PREFIX, 'up');
      for (let i = 0; i < size; i++) namespaces.#add(i, rate);
    } catch (error) {
      namespaces.remove();
      throw error;
    }
    return namespaces;
  }

  address(i: number): string {
    return `${NETWORK}.${i + 1}`;
  }

  /** The words before a command that run it in namespace `i`. */
  starter(i: number): string[] {
    return ['ip', 'netns', 'exec', `${PREFIX}n${i}`];
  }

  remove(): void {
    for (let i = 0; i < this.#size; i++) spawnSync('ip', ['netns', 'delete', `${PREFIX}n${i}`]);
    spawnSync('ip', ['link', 'delete', PREFIX]);
  }

  #add(i: number, rate: string): void {
    const [space, end] = [`${PREFIX}n${i}`, `${PREFIX}v${i}`];
    run('ip', 'netns', 'add', space);
    run('ip', 'link', 'add', end, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
    run('ip', 'link', 'set', end, 'master', PREFIX, 'up');
    const inside = this.starter(i);
    run(...inside, 'ip', 'address', 'add', `${this.address(i)}/24`, 'dev', 'eth0');
    run(...inside, 'ip', 'link', 'set', 'lo', 'up');
    run(...inside, 'ip', 'link', 'set', 'eth0', 'up');
    // The bucket holds what may pass between two ticks of the kernel's clock: 4 ms.
    const limit = [
      'root',
      'tbf',
      'rate',
      rate,
      'burst',
      `${Math.ceil(bitsPerSecond(rate) / 8 / 250)}`,
      'latency',
      '50ms',
    ];
    run(...inside, 'tc', 'qdisc', 'add', 'dev', 'eth0', ...limit);
    run('tc', 'qdisc', 'add', 'dev', end, ...limit);
  }
}

function bitsPerSecond(rate: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(mbit|gbit)$/.exec(rate) ?? [];
  if (unit === undefined) throw new Error(`--rate must be a number of mbit or gbit, such as 1gbit, got '${rate}'.`);
  return Number(number) * (unit === 'gbit' ? 1e9 : 1e6);
}

function run(...words: string[]): void {
  const [command, ...args] = words as [string, ...string[]];
  const {status, stderr, error} = spawnSync(command, args, {encoding: 'utf8'});
  if (status === 0) return;
  throw new Error(`'${words.join(' ')}' has failed: ${error?.message ?? stderr.trim()}.`);
}
