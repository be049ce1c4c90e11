import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {parse} from 'yaml';
import {train} from '../../lib/cli/commands/train.js';
import {readFlags} from '../../lib/cli/flags.js';

const folder = fileURLToPath(new URL('../../examples/distributed', import.meta.url));
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

/** The arguments after `maskrcnn train`, which the command must understand. */
function understood(words: readonly string[]): Record<string, unknown> {
  const at = words.findIndex((word, i) => word === 'train' && words[i - 1] === 'maskrcnn');
  if (at < 0) throw new Error(`no maskrcnn train in ${words.join(' ')}`);
  const {options, positionals} = readFlags(words.slice(at + 1), train.options, 'maskrcnn train');
  return {...options, data: positionals};
}

/** The words of the command in a shell script that begins with `first`, with its continued lines. */
function commandIn(script: string, first: string): string[] {
  const whole = script.replaceAll('\\\n', ' ');
  const line = whole.split('\n').find((line) => line.startsWith(first))!;
  return line.split(' || ')[0]!.split(/\s+/).filter(Boolean);
}

for (const [name, first] of [
  ['torchrun.sh', 'exec torchrun'],
  ['train.sbatch', 'srun'],
] as const) {
  test(`${name} is a script of the shell, and maskrcnn understands its line`, (t) => {
    t.notThrows(() => execFileSync('bash', ['-n', join(folder, name)], {stdio: 'pipe'}));
    t.deepEqual(understood(commandIn(read(name), first)), {
      classes: ['cell'],
      output: 'runs/cells',
      resume: 'auto',
      data: ['"$1"'],
    });
  });
}

test('train.sbatch asks Slurm for what its comment says', (t) => {
  const asked = Object.fromEntries(
    [...read('train.sbatch').matchAll(/^#SBATCH --([\w-]+)=?(.*)$/gm)].map(([, k, v]) => [k, v]),
  );
  t.like(asked, {nodes: '2', 'ntasks-per-node': '4', requeue: '', signal: 'TERM@120'});
});

test('trainjob.yaml is a TrainJob, and maskrcnn understands its command', (t) => {
  const job = parse(read('trainjob.yaml'));
  t.like(job, {apiVersion: 'trainer.kubeflow.org/v1alpha1', kind: 'TrainJob'});
  t.like(job.spec.trainer, {numNodes: 2, numProcPerNode: 4});
  t.like(understood(job.spec.trainer.command), {output: '/cells/runs/cells', resume: 'auto', data: ['/cells/data']});
  const [{spec}] = job.spec.podTemplateOverrides;
  t.is(spec.containers[0].volumeMounts[0].name, spec.volumes[0].name);
});

test('each line of Containerfile is an instruction or goes on with one', (t) => {
  const lines = read('Containerfile')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  t.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['FROM', 'RUN', 'WORKDIR', 'RUN', 'ENTRYPOINT'],
  );
  t.deepEqual(JSON.parse(lines.at(-1)!.slice('ENTRYPOINT '.length)), ['npx', 'maskrcnn']);
});
