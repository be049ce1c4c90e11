import {randomUUID} from 'node:crypto';
import {readlinkSync} from 'node:fs';
import {hostname} from 'node:os';

/** Who holds a lock, as its file says. */
export type Holder = {
  pid: number;
  host: string;
  /** The table of processes in which `pid` counts: containers have their own. Undefined in locks of older versions. */
  table: string | undefined;
  /** When the lock was made, in milliseconds since 1970. */
  since: number | undefined;
  /** Unique to each lock. */
  token: string | undefined;
  /** Unique to each thread of each process, unlike `pid`. Undefined in locks of older versions. */
  life: string | undefined;
};

const THIS_LIFE = randomUUID();

/** The text of a lock file that this process makes. */
export function thisHolder(token: string): string {
  return [process.pid, hostname(), processTable(), Date.now(), token, THIS_LIFE].join(' ');
}

/** Undefined if the text is not complete. */
export function parseHolder(text: string): Holder | undefined {
  const [pid, host, table, since, token, life] = text.trim().split(' ');
  if (!(Number(pid) > 0) || !host) return undefined;
  return {pid: Number(pid), host, table, since: since === undefined ? undefined : Number(since), token, life};
}

/** Whether this thread made the lock. False for locks of older versions. */
export function isOwn({life}: Holder): boolean {
  return life === THIS_LIFE;
}

/** Whether the holder is certainly gone. Only holders on this machine can be looked up. */
export function isGone(holder: Holder): boolean {
  const {pid, host, table, since} = holder;
  // Asked first, because the comparison of times below is wrong after a suspension or when the clock was set.
  if (isOwn(holder)) return false;
  if (host !== hostname() || (table !== undefined && table !== processTable())) return false;
  if (pid !== process.pid) return !isAlive(pid);
  // A restarted container gives its process the same number again.
  return since !== undefined && since < Date.now() - process.uptime() * 1000;
}

/** The name of the table that this process is in; '-' where it cannot be found out. */
function processTable(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '-';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
