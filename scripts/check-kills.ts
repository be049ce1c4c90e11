/**
 * Kills processes of a training group at random times, resumes the run each time, and compares what comes out with a
 * run that nothing interrupted, to the bit. `--stops` of them, 0..1, it stops instead (SIGSTOP), and lets them go on
 * when the others have ended. It ends with code 1 if a process hangs, a state is not whole, or weights differ. It also
 * says how long it took until the other processes had ended:
 *
 *   npm run check:kills -- [--kills 100] [--stops 0.3] [--processes 2] [--seed 1]
 */
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {type Kill, killAtRandom} from '../test/distributed/kills.js';
import {median} from './bench/median.js';

const {values} = parseArgs({
  options: {
    kills: {type: 'string', default: '100'},
    stops: {type: 'string', default: '0.3'},
    processes: {type: 'string', default: '2'},
    seed: {type: 'string', default: '1'},
  },
});
const [kills, size, seed] = [values.kills, values.processes, values.seed].map(Number) as [number, number, number];
const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-kills-'));
const began = performance.now();
try {
  const report = await killAtRandom(folder, {
    kills,
    size,
    seed,
    stops: Number(values.stops),
    onKill: ({rank, signal, afterStep, isBeforeJoining, seconds, secondsAfter, said}, count) => {
      const before = isBeforeJoining ? 'before it had joined' : 'before its first step';
      const when = afterStep === undefined ? before : `after step ${afterStep}`;
      const what = signal === 'SIGSTOP' ? 'stopped' : 'killed';
      const after = secondsAfter === undefined ? '' : `; it had ended ${secondsAfter.toFixed(2)} s after it went on`;
      const line = `${count}: rank ${rank} ${what} ${when}; the others had ended after ${seconds.toFixed(2)} s${after}`;
      console.log(`${line}: ${said}`);
    },
  });
  const tell = (what: string, kills: readonly Kill[], time = (kill: Kill) => kill.seconds) => {
    const seconds = kills.map(time);
    if (seconds.length === 0) return;
    const [most, half] = [Math.max(...seconds), median(seconds)].map((x) => x.toFixed(2));
    console.log(`${what}: after ${half} s (median), at most ${most} s (${seconds.length} times)`);
  };
  const killed = report.kills.filter(({signal}) => signal === 'SIGKILL');
  for (let rank = 0; rank < size; rank++) {
    const ofRank = killed.filter((kill) => kill.rank === rank && !kill.isBeforeJoining);
    tell(`rank ${rank} of a whole group killed, the others had ended`, ofRank);
  }
  const unjoined = killed.filter(({isBeforeJoining}) => isBeforeJoining);
  tell('a rank killed that had not joined, the others had ended', unjoined);
  const stopped = report.kills.filter(({signal}) => signal === 'SIGSTOP');
  tell('a rank stopped, the others had ended', stopped);
  tell('a stopped rank had ended when it went on', stopped, ({secondsAfter}) => secondsAfter!);
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  console.log(
    `${killed.length} kills, ${stopped.length} stops, ${report.finished} runs to their end and compared, ${minutes} minutes.`,
  );
  for (const fault of report.faults) console.log(`FAULT  ${fault}`);
  console.log(report.faults.length === 0 ? 'No hang, no damaged state, all weights equal.' : 'Not as it must be.');
  process.exitCode = report.faults.length === 0 ? 0 : 1;
} finally {
  await rm(folder, {recursive: true, force: true});
}
