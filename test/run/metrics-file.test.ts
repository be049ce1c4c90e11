import {mkdir, mkdtemp, open, readFile, rm, symlink, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {MetricsFile, type MetricsRecord, readMetrics} from '../../lib/run/metrics-file.js';
import {epoch, pixelScores, step} from './records.js';

async function pathOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-metrics-'));
  t.teardown(() => rm(folder, {recursive: true}));
  return join(folder, 'metrics.jsonl');
}

const first = '{"type":"run","runId":"run-1"}';

/** Three epochs of two steps each. */
const records: MetricsRecord[] = [0, 1, 2].flatMap((e): MetricsRecord[] => [
  {type: 'step', ...step(2 * e, 1 / 3)},
  {type: 'step', ...step(2 * e + 1, Math.PI)},
  {type: 'epoch', ...epoch(e, {pixel: pixelScores(0.1 + e)})},
]);

async function write(path: string): Promise<string[]> {
  const metrics = await MetricsFile.create(path, 'run-1');
  for (const record of records) await metrics.append(record);
  await metrics.close();
  const [run, ...lines] = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  if (run !== first) throw new Error(`the first line is ${run}`);
  return lines;
}

test('a run goes on where it is told to: what comes after is cut off, the rest is as it was', async (t) => {
  for (const [point, kept] of [
    [{step: 0, epoch: 0}, 0],
    [{step: 1, epoch: 0}, 1],
    [{step: 2, epoch: 0}, 2], // before the epoch's record
    [{step: 2, epoch: 1}, 3],
    [{step: 3, epoch: 1}, 4],
    [{step: 6, epoch: 3}, 9],
  ] as const) {
    const path = await pathOf(t);
    const lines = await write(path);
    const resumed = await MetricsFile.resume(path, point, 'run-1');
    t.deepEqual(
      [resumed.kept.history.steps.length, resumed.kept.history.epochs.length, resumed.kept.damaged],
      [Math.min(point.step, 6), Math.min(point.epoch, 3), 0],
    );
    await resumed.metrics.append(records[0]!);
    await resumed.metrics.close();
    t.deepEqual((await readFile(path, 'utf8')).split('\n'), [first, ...lines.slice(0, kept), lines[0]!, '']);
  }
});

test('what is read back is what was recorded, to the last bit', async (t) => {
  const path = await pathOf(t);
  await write(path);
  const {metrics, kept} = await MetricsFile.resume(path, {step: 99, epoch: 99}, 'run-1');
  await metrics.close();
  const without = ({type, ...rest}: MetricsRecord) => rest;
  t.deepEqual(kept.history.steps as unknown[], records.filter(({type}) => type === 'step').map(without));
  t.deepEqual(kept.history.epochs as unknown[], records.filter(({type}) => type === 'epoch').map(without));
});

test('a last line that was torn by a kill is dropped, wherever it was torn', async (t) => {
  const path = await pathOf(t);
  const lines = await write(path);
  const whole = `${lines.slice(0, 4).join('\n')}\n`;
  for (let length = 0; length < lines[4]!.length; length += 7) {
    await writeFile(path, whole + lines[4]!.slice(0, length));
    const {metrics, kept} = await MetricsFile.resume(path, {step: 99, epoch: 99}, 'run-1');
    await metrics.close();
    t.is(kept.damaged, 0);
    t.is(kept.history.steps.length, 3);
    t.is(await readFile(path, 'utf8'), `${first}\n${whole}`);
  }
});

test('a last line that lost only its line end is kept', async (t) => {
  const path = await pathOf(t);
  const lines = await write(path);
  await writeFile(path, lines.slice(0, 2).join('\n'));
  const {metrics, kept} = await MetricsFile.resume(path, {step: 99, epoch: 99}, 'run-1');
  await metrics.append(records[2]!);
  await metrics.close();
  t.is(kept.history.steps.length, 2);
  t.is(await readFile(path, 'utf8'), `${[first, ...lines.slice(0, 3)].join('\n')}\n`);
});

test('damaged lines before the last are counted and left out', async (t) => {
  const path = await pathOf(t);
  const lines = await write(path);
  await writeFile(path, `${lines[0]}\n\0\0\0\n"step"\nnull\n{"type":"other"}\n${lines[1]}\n`);
  const {metrics, kept} = await MetricsFile.resume(path, {step: 99, epoch: 99}, 'run-1');
  await metrics.close();
  t.is(kept.damaged, 4);
  t.is(await readFile(path, 'utf8'), `${first}\n${lines[0]}\n${lines[1]}\n`);
});

test('without a file a run goes on with nothing', async (t) => {
  const path = await pathOf(t);
  const {metrics, kept} = await MetricsFile.resume(path, {step: 4, epoch: 1}, 'run-1');
  await metrics.close();
  t.deepEqual(kept, {history: {steps: [], epochs: []}, damaged: 0});
  t.is(await readFile(path, 'utf8'), `${first}\n`);
});

test('a loss that is not finite is null in the file and a number again', async (t) => {
  const path = await pathOf(t);
  const metrics = await MetricsFile.create(path, 'run-1');
  await metrics.append({type: 'step', ...step(0, Number.NaN), gradientNorm: Number.POSITIVE_INFINITY});
  await metrics.append({type: 'epoch', ...epoch(0), loss: Number.NaN});
  await metrics.close();
  t.regex(await readFile(path, 'utf8'), /"loss":null,"losses":\{"loss_classifier":null.*"gradientNorm":null/);
  const resumed = await MetricsFile.resume(path, {step: 9, epoch: 9}, 'run-1');
  await resumed.metrics.close();
  const [first] = resumed.kept.history.steps;
  t.deepEqual([first!.loss, first!.losses.loss_mask, first!.gradientNorm], [Number.NaN, Number.NaN, Number.NaN]);
  t.deepEqual(resumed.kept.history.epochs, [{...epoch(0), loss: Number.NaN}], 'no validation stays null');
});

test('a full disk is an error that names the file', async (t) => {
  if (process.platform !== 'linux') {
    t.log('skipped: no /dev/full here');
    t.pass();
    return;
  }
  const path = await pathOf(t);
  await symlink('/dev/full', path);
  await t.throwsAsync(MetricsFile.create(path, 'run-1'), {
    instanceOf: MaskRcnnError,
    code: 'WRITE_FAILED',
    message: `${path} could not be written: ENOSPC: no space left on device, write.`,
  });
  const full = await open('/dev/full', 'a');
  const error = await t.throwsAsync(new MetricsFile(path, full).append(records[0]!), {instanceOf: MaskRcnnError});
  await full.close();
  t.is(error!.code, 'WRITE_FAILED');
  t.is(error!.file, path);
  t.is(
    error!.message,
    `${path} could not be written: ENOSPC: no space left on device, write.\nThe run can be resumed from its last checkpoint.`,
  );
});

test('the id of the run is read back; a file of an older version has none', async (t) => {
  const path = await pathOf(t);
  const lines = await write(path);
  t.is((await readMetrics(path)).runId, 'run-1');
  await writeFile(path, lines.join('\n'));
  const {runId, history, damaged} = await readMetrics(path);
  t.deepEqual([runId, history.steps.length, damaged], [undefined, 6, 0]);
});

test('a record without what every record has is an error that names file and line', async (t) => {
  const path = await pathOf(t);
  const lines = await write(path);
  const without = (line: string, name: string, value?: unknown) => JSON.stringify({...JSON.parse(line), [name]: value});
  const [whole, , wholeEpoch] = lines as [string, string, string];
  const cases: [line: string, problem: string][] = [
    [without(whole, 'losses'), "'losses', an object of numbers, got undefined"],
    [without(whole, 'losses', null), "'losses', an object of numbers, got null"],
    [without(whole, 'losses', [1]), "'losses', an object of numbers, got [1]"],
    [without(whole, 'losses', {loss_mask: 'x'}), "'losses', an object of numbers, got an object"],
    [without(whole, 'loss', 'x'), "'loss', a number, got 'x'"],
    [without(whole, 'lr'), "'lr', a number, got undefined"],
    [without(whole, 'step', 0.5), "'step', a whole number, got 0.5"],
    [without(whole, 'epoch'), "'epoch', a whole number, got undefined"],
    ['{"type":"epoch","epoch":0}', "'loss', a number, got undefined"],
    [without(wholeEpoch, 'validation', 3), "'validation', an object or null, got 3"],
    [without(wholeEpoch, 'validation'), "'validation', an object or null, got undefined"],
  ];
  for (const [line, problem] of cases) {
    const text = `${first}\n${whole}\n${line}\n${lines[1]}\n`;
    await writeFile(path, text);
    for (const read of [() => readMetrics(path), () => MetricsFile.resume(path, {step: 99, epoch: 99}, 'run-1')]) {
      const error = await t.throwsAsync(read(), {instanceOf: MaskRcnnError, code: 'INVALID_DATASET'}, line);
      t.is(error!.file, path);
      t.is(error!.message.split('\n')[0], `Line 3 of ${path} must have ${problem}.`);
    }
    t.is(await readFile(path, 'utf8'), text, 'the file stays as it was');
  }
});

test('a folder in the place of the file is an error that names it', async (t) => {
  const path = await pathOf(t);
  await mkdir(path);
  const error = await t.throwsAsync(readMetrics(path), {instanceOf: MaskRcnnError, code: 'INVALID_DATASET'});
  t.is(error!.file, path);
  t.true(error!.message.startsWith(`${path} must be the metrics of a run: EISDIR`), error!.message);
});
