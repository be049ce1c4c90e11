import {readFileSync} from 'node:fs';
import {availableParallelism} from 'node:os';
import {join} from 'node:path';

export type Cpus = {
  /** How many CPUs' worth of time this process may use, rounded up: at least 1. */
  cpus: number;
  /** The CPUs that its threads may run on. */
  present: number;
  /** The least quota of its control groups, in CPUs; it may be a fraction. Undefined without a quota. */
  quota: number | undefined;
};

/**
 * The CPUs that this process may use. Node counts those of its affinity; older ones know nothing of the quota that
 * Docker's `--cpus` and Kubernetes' limits set. `root` is the folder that has /proc and the mounted control groups.
 */
export function usableCpus({root = '/', present = availableParallelism()} = {}): Cpus {
  const quotas = hierarchies(root).flatMap(({kind, folders}) => folders.map((folder) => QUOTA[kind](folder)));
  const quota = Math.min(...quotas.filter((each) => each !== undefined));
  // Rounded up: with fewer threads a part of the quota could never be used.
  const cpus = Math.max(1, Math.min(present, Math.ceil(quota)));
  return {cpus, present, quota: quota === Number.POSITIVE_INFINITY ? undefined : quota};
}

/** What libtorch and the addon compute with. */
export function describeInstructions({cpuCapability, amx}: {cpuCapability: string; amx: boolean}): string {
  return amx ? `${cpuCapability} and AMX` : cpuCapability;
}

/** A mounted hierarchy of control groups, with the folders of this process's group and the groups around it. */
type Hierarchy = {kind: 'cgroup' | 'cgroup2'; folders: string[]};

/** Those that can limit CPU time. See cgroups(7), and proc_pid_mountinfo(5) for the fields of a line. */
function hierarchies(root: string): Hierarchy[] {
  const groups = lines(root, 'proc/self/cgroup').map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  return lines(root, 'proc/self/mountinfo').flatMap((line): Hierarchy[] => {
    const [fields, source] = line.split(' - ').map((part) => part.split(' '));
    const [, , , base, mount] = fields ?? [];
    const [kind, , options = ''] = source ?? [];
    if (base === undefined || mount === undefined) return [];
    const isOurs = (controllers: string) =>
      kind === 'cgroup2' ? controllers === '' : controllers.split(',').includes('cpu');
    if (kind !== 'cgroup2' && !(kind === 'cgroup' && options.split(',').includes('cpu'))) return [];
    const path = groups.find((match) => match !== null && isOurs(match[1]!))?.[2];
    return path === undefined ? [] : [{kind, folders: foldersUp(join(root, unescaped(mount)), within(path, base))}];
  });
}

/**
 * The names of `path` below a mount whose root is the group `base`. In a container, `path` can be one that is not
 * mounted: then none.
 */
function within(path: string, base: string): string[] {
  const [names, above] = [path, base].map((each) => each.split('/').filter(Boolean)) as [string[], string[]];
  return above.every((name, i) => names[i] === name) ? names.slice(above.length) : [];
}

/** `mount` and all folders on the way from it to `names` in it. */
function foldersUp(mount: string, names: readonly string[]): string[] {
  return Array.from({length: names.length + 1}, (_, depth) => join(mount, ...names.slice(0, depth)));
}

/** The quota of one group in CPUs, undefined if it has none. */
const QUOTA = {
  /** `max 100000` or `200000 100000`: microseconds of CPU time in a period, and that period. */
  cgroup2: (folder: string) => ratio(lines(folder, 'cpu.max')[0]?.split(' ') ?? []),
  /** A quota of -1 means none. */
  cgroup: (folder: string) => ratio(['quota', 'period'].map((name) => lines(folder, `cpu.cfs_${name}_us`)[0])),
};

function ratio([quota, period]: (string | undefined)[]): number | undefined {
  const cpus = Number(quota) / Number(period);
  return cpus > 0 && Number.isFinite(cpus) ? cpus : undefined;
}

/** Empty if there is no such file. */
function lines(folder: string, name: string): string[] {
  try {
    return readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

/** mountinfo writes spaces and the like as octal numbers. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
