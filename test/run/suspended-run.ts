import {once} from 'node:events';
import {RunFolder} from '../../lib/run/run-folder.js';
import {epoch, step} from './records.js';

/** Holds the folder of a run. At each message, it tries to write to the folder in every way and tells the errors. */
const run = await RunFolder.open(process.argv[2]!, {warn: () => {}});
process.send!('ready');
for (;;) {
  await once(process, 'message');
  const codes: string[] = [];
  for (const write of [
    () => run.append({type: 'step', ...step(7)}),
    () => run.append({type: 'epoch', ...epoch(7)}),
    () => run.writeOptions({lr: 'of the suspended run'}),
    () => run.guard(async () => {}),
  ]) {
    codes.push(
      await write().then(
        () => 'done',
        (error) => error.code,
      ),
    );
  }
  await run.writeCurves({steps: [step(7)], epochs: [epoch(7)]});
  process.send!(codes);
}
