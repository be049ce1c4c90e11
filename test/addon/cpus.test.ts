import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import test from 'ava';
import {usableCpus} from '../../lib/addon/cpus.js';

/** What `usableCpus()` says of 64 cores where the system has these files. */
function cpusWith(files: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), 'maskrcnn-cgroup-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), {recursive: true});
      writeFileSync(join(root, name), text);
    }
    const {cpus, quota} = usableCpus({root, present: 64});
    return [cpus, quota];
  } finally {
    rmSync(root, {recursive: true});
  }
}

const V2 = {
  'proc/self/cgroup': '0::/\n',
  'proc/self/mountinfo': '31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n',
};
const V1 = {
  'proc/self/cgroup': '9:name=systemd:/app\n4:memory:/app\n2:cpu,cpuacct:/app\n0::/\n',
  'proc/self/mountinfo':
    '31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n' +
    '33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n' +
    '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n' +
    '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n',
};
const cpu = (group: string, quota: string) => ({
  [`sys/fs/cgroup/cpu,cpuacct${group}/cpu.cfs_quota_us`]: `${quota}\n`,
  [`sys/fs/cgroup/cpu,cpuacct${group}/cpu.cfs_period_us`]: '100000\n',
});

test('without control groups or without a quota: all cores', (t) => {
  t.deepEqual(cpusWith({}), [64, undefined]);
  t.deepEqual(cpusWith({...V2, 'sys/fs/cgroup/cpu.max': 'max 100000\n'}), [64, undefined]);
  t.deepEqual(cpusWith({...V1, ...cpu('', '-1'), ...cpu('/app', '-1')}), [64, undefined]);
});

test('version 2: the quota of a container, which sees its own group as the root', (t) => {
  t.deepEqual(cpusWith({...V2, 'sys/fs/cgroup/cpu.max': '200000 100000\n'}), [2, 2]);
  t.deepEqual(cpusWith({...V2, 'sys/fs/cgroup/cpu.max': '6400000 50000\n'}), [64, 128]);
});

test('version 2: the least quota of the group and the groups around it', (t) => {
  const nested = {
    ...V2,
    'proc/self/cgroup': '0::/system.slice/lab.service\n',
    'sys/fs/cgroup/system.slice/cpu.max': '300000 100000\n',
  };
  t.deepEqual(cpusWith({...nested, 'sys/fs/cgroup/system.slice/lab.service/cpu.max': 'max 100000\n'}), [3, 3]);
  t.deepEqual(cpusWith({...nested, 'sys/fs/cgroup/system.slice/lab.service/cpu.max': '150000 100000\n'}), [2, 1.5]);
});

test('version 1: the hierarchy of the controller cpu', (t) => {
  t.deepEqual(cpusWith({...V1, ...cpu('/app', '200000')}), [2, 2]);
  t.deepEqual(cpusWith({...V1, ...cpu('', '400000'), ...cpu('/app', '-1')}), [4, 4]);
});

test("version 1 in a container: the path is the host's, the mount is the container's own group", (t) => {
  const mountinfo = '32 31 0:29 /docker/f00 /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n';
  const own = {...V1, 'proc/self/mountinfo': mountinfo, ...cpu('', '200000')};
  t.deepEqual(cpusWith({...own, 'proc/self/cgroup': '2:cpu,cpuacct:/docker/f00\n'}), [2, 2]);
  t.deepEqual(cpusWith({...own, 'proc/self/cgroup': '2:cpu,cpuacct:/docker/other\n'}), [2, 2]);
  const child = {...own, 'proc/self/cgroup': '2:cpu,cpuacct:/docker/f00/job\n'};
  t.deepEqual(cpusWith({...child, ...cpu('/job', '100000')}), [1, 1]);
});

test('a quota of less than one CPU leaves one thread; broken files leave all cores', (t) => {
  t.deepEqual(cpusWith({...V2, 'sys/fs/cgroup/cpu.max': '20000 100000\n'}), [1, 0.2]);
  for (const text of ['', '0 0\n', 'many\n', '-5 100000\n']) {
    t.deepEqual(cpusWith({...V2, 'sys/fs/cgroup/cpu.max': text}), [64, undefined], text);
  }
});
