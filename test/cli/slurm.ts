import {type ChildProcess, execFile, spawn, spawnSync} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {lookup} from 'node:dns/promises';
import {mkdir, writeFile} from 'node:fs/promises';
import {availableParallelism, hostname} from 'node:os';
import {join} from 'node:path';
import {setTimeout} from 'node:timers/promises';
import {promisify} from 'node:util';
import {freePort} from '../distributed/ranks.js';

/** Why Slurm cannot be started here; undefined if it can. */
export async function obstacleToSlurm(): Promise<string | undefined> {
  const missing = ['munged', 'slurmctld', 'slurmd', 'sbatch'].filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  );
  if (missing.length > 0) return `there is no ${missing.join(', no ')} (Debian: apt-get install slurm-wlm)`;
  if (process.getuid?.() !== 0) return 'its daemons are started by root';
  const address = await lookup(hostname()).catch(() => undefined);
  return address === undefined ? `the name of this machine, ${hostname()}, has no address` : undefined;
}

/** Slurm on this machine alone, with its daemons, keys and ports for one test. */
export class Slurm {
  readonly #daemons: ChildProcess[] = [];
  readonly #conf: string;

  private constructor(conf: string) {
    this.#conf = conf;
  }

  static async start(folder: string): Promise<Slurm> {
    const at = (name: string) => join(folder, name);
    for (const name of ['state', 'spool']) await mkdir(at(name), {recursive: true});
    await writeFile(at('munge.key'), randomBytes(128), {mode: 0o400});
    const host = hostname().split('.')[0]!;
    const lines = [
      'ClusterName=one',
      `SlurmctldHost=${host}(127.0.0.1)`,
      'SlurmUser=root',
      'AuthType=auth/munge',
      `AuthInfo=socket=${at('munge.socket')}`,
      `StateSaveLocation=${at('state')}`,
      `SlurmdSpoolDir=${at('spool')}`,
      `SlurmctldPidFile=${at('slurmctld.pid')}`,
      `SlurmdPidFile=${at('slurmd.pid')}`,
      `SlurmctldPort=${await freePort()}`,
      `SlurmdPort=${await freePort()}`,
      'ProctrackType=proctrack/pgid',
      'TaskPlugin=task/none',
      'SwitchType=switch/none',
      'MpiDefault=none',
      'ReturnToService=2',
      'SelectType=select/cons_tres',
      // More tasks than this machine has CPUs.
      `NodeName=${host} NodeAddr=127.0.0.1 CPUs=${Math.max(2, availableParallelism())} State=UNKNOWN`,
      'SlurmdParameters=config_overrides',
      'PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP',
    ];
    await writeFile(at('slurm.conf'), `${lines.join('\n')}\n`);
    const slurm = new Slurm(at('slurm.conf'));
    slurm.#run(
      'munged',
      '--foreground',
      '--force',
      `--socket=${at('munge.socket')}`,
      `--key-file=${at('munge.key')}`,
      ...[`--pid-file=${at('munged.pid')}`, `--log-file=${at('munged.log')}`, `--seed-file=${at('munged.seed')}`],
    );
    await setTimeout(500);
    slurm.#run('slurmctld', '-D');
    slurm.#run('slurmd', '-D');
    await slurm.until('sinfo', ['-h', '-o', '%T'], /^idle/);
    return slurm;
  }

  /** Runs one of Slurm's commands and returns what it prints. */
  async ask(command: string, args: readonly string[], {cwd, env}: {cwd?: string; env?: NodeJS.ProcessEnv} = {}) {
    const all = {...process.env, ...env, SLURM_CONF: this.#conf};
    const {stdout} = await promisify(execFile)(command, [...args], {env: all, ...(cwd !== undefined && {cwd})});
    return stdout;
  }

  /** Waits until a command prints what is looked for. */
  async until(command: string, args: readonly string[], wanted: RegExp, seconds = 120): Promise<string> {
    let said = '';
    for (const end = Date.now() + 1000 * seconds; Date.now() < end; await setTimeout(200)) {
      said = await this.ask(command, args).catch((error) => String(error));
      if (wanted.test(said)) return said;
    }
    throw new Error(`${command} ${args.join(' ')} has printed no ${wanted} in ${seconds} s, but ${said}`);
  }

  async stop(): Promise<void> {
    for (const daemon of this.#daemons.toReversed()) {
      daemon.kill('SIGTERM');
      await new Promise<void>((done) => (daemon.exitCode === null ? daemon.once('close', () => done()) : done()));
    }
  }

  #run(command: string, ...args: string[]): void {
    this.#daemons.push(spawn(command, args, {stdio: 'ignore', env: {...process.env, SLURM_CONF: this.#conf}}));
  }
}
