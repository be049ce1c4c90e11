/**
 * Kills processes of a training group at random times, resumes the run each time, and compares what comes out with a
 * run that nothing interrupted, to the bit. It ends with code 1 if a process hangs, a state is not whole, or weights
 * differ. It also says how long it took until the other processes had ended:
 *
 *   npm run check:kills -- [--kills 100] [--processes 2] [--seed 1]
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
    onKill: ({rank, afterStep, isBeforeJoining, seconds, said}, count) => {
      const before = isBeforeJoining ? 'before it had joined' : 'before its first step';
      const when = afterStep === undefined ? before : `after step ${afterStep}`;
      console.log(`${count}: rank ${rank} killed ${when}; the others had ended after ${seconds.toFixed(2)} s: ${said}`);
    },
  });
  const tell = (what: string, kills: readonly Kill[]) => {
    const seconds = kills.map((kill) => kill.seconds);
    if (seconds.length === 0) return;
    const [most, half] = [Math.max(...seconds), median(seconds)].map((x) => x.toFixed(2));
    console.log(
      `${what} killed ${seconds.length} times: the others had ended after ${half} s (median), at most ${most} s`,
    );
  };
  for (let rank = 0; rank < size; rank++) {
    tell(
      `rank ${rank} of a whole group`,
      report.kills.filter((kill) => kill.rank === rank && !kill.isBeforeJoining),
    );
  }
  tell(
    'ranks that had not joined',
    report.kills.filter(({isBeforeJoining}) => isBeforeJoining),
  );
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  console.log(`${report.kills.length} kills, ${report.finished} runs to their end and compared, ${minutes} minutes.`);
  for (const fault of report.faults) console.log(`FAULT  ${fault}`);
  console.log(report.faults.length === 0 ? 'No hang, no damaged state, all weights equal.' : 'Not as it must be.');
  process.exitCode = report.faults.length === 0 ? 0 : 1;
} finally {
  await rm(folder, {recursive: true, force: true});
}
