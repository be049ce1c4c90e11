import {fork} from 'node:child_process';
import {once} from 'node:events';
import {existsSync} from 'node:fs';
import {mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile} from 'node:fs/promises';
import {hostname, tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import sharp from 'sharp';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import type {Sample} from '../../lib/datasets/dataset.js';
import {writeAtomically} from '../../lib/files/atomic-file.js';
import type {History} from '../../lib/run/history.js';
import {RunFolder} from '../../lib/run/run-folder.js';
import {nodeOptions, runnable} from '../program.js';
import {readEvents} from './event-reader.js';
import {epoch, pixelScores, step} from './records.js';

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-runs-'));
  t.teardown(() => rm(folder, {recursive: true}));
  return folder;
}

const sample: Sample = {
  file: 'a.png',
  image: {data: new Uint8Array(40 * 30 * 3).fill(100), width: 40, height: 30},
  instances: [
    {label: 1, box: [4, 4, 14, 14], mask: {left: 4, top: 4, width: 10, height: 10, data: new Uint8Array(100).fill(1)}},
  ],
};
const detections = {boxes: [4, 4, 14, 14], scores: [0.9], classNames: ['cell']};

/** Two epochs of two steps each, in the order of a trainer. */
const history: History = {
  steps: [0, 1, 2, 3].map((index) => step(index)),
  epochs: [epoch(0, {pixel: pixelScores(0.5)}), epoch(1, {pixel: pixelScores(0.6)})],
};

async function tell(run: RunFolder, from = 0): Promise<void> {
  for (const record of history.steps.slice(from)) {
    if (record.step < 2) await run.drawBatch(record.step, [sample, sample]);
    await run.append({type: 'step', ...record});
    if (record.step % 2 === 0) continue;
    await run.append({type: 'epoch', ...history.epochs[record.epoch]!});
    await run.drawValidation(record.epoch, [{sample, detections}]);
    await run.writeCurves({
      steps: history.steps.slice(0, record.step + 1),
      epochs: history.epochs.slice(0, record.epoch + 1),
    });
  }
}

const eventsOf = async (folder: string) => (await readdir(folder)).filter((name) => name.includes('tfevents')).sort();

test('without a name a run gets the first free folder', async (t) => {
  const folder = await folderOf(t);
  const home = process.cwd();
  process.chdir(folder);
  try {
    const runs = await Promise.all([undefined, undefined, undefined].map((path) => RunFolder.open(path)));
    t.deepEqual(
      runs.map(({path}) => path).sort(),
      ['runs/train', 'runs/train-2', 'runs/train-3'].map((path) => join(path)),
    );
    await Promise.all(runs.map((run) => run.close()));
  } finally {
    process.chdir(home);
  }
});

test('everything that is told is in the folder', async (t) => {
  const folder = await folderOf(t);
  const run = await RunFolder.open(folder, {warn: (text) => t.fail(text)});
  t.deepEqual(await run.history(), {steps: [], epochs: []});
  await tell(run);
  await run.close();

  const events = await eventsOf(folder);
  t.is(events.length, 1);
  t.deepEqual(
    (await readdir(folder)).sort(),
    [
      ...['batches', ...events, 'losses.png', 'losses.svg', 'metrics.jsonl', 'metrics.png', 'metrics.svg'],
      ...['results.csv', 'validation'],
    ].sort(),
  );
  t.deepEqual((await readdir(join(folder, 'batches'))).sort(), ['step-1.png', 'step-2.png']);
  t.deepEqual((await readdir(join(folder, 'validation'))).sort(), ['epoch-1.png', 'epoch-2.png']);
  for (const name of ['losses.png', 'metrics.png', 'batches/step-1.png', 'validation/epoch-2.png']) {
    t.is((await sharp(join(folder, name)).metadata()).format, 'png', name);
  }
  t.is((await readFile(join(folder, 'metrics.jsonl'), 'utf8')).split('\n').length, 1 + 4 + 2 + 1);
  t.is((await readFile(join(folder, 'results.csv'), 'utf8')).split('\r\n').length, 1 + 2 + 1);
  t.deepEqual(
    readEvents(join(folder, events[0]!)).map((event) => event.step),
    [0, 0, 0, 1, 1, 2, 3, 3],
  );
});

test('without validation there are no metric curves', async (t) => {
  const folder = await folderOf(t);
  const run = await RunFolder.open(folder);
  await run.writeCurves({steps: history.steps, epochs: [epoch(0), epoch(1)]});
  await run.close();
  const names = await readdir(folder);
  t.true(names.includes('losses.svg'));
  t.false(names.includes('metrics.svg'));
});

test('options.json has the options and the versions', async (t) => {
  const folder = await folderOf(t);
  const run = await RunFolder.open(folder);
  await run.writeOptions({train: {lr: 0.1}});
  await run.close();
  const {train, runId, versions} = JSON.parse(await readFile(join(folder, 'options.json'), 'utf8'));
  const {version} = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  t.deepEqual(train, {lr: 0.1});
  t.is(runId, run.id);
  t.deepEqual(Object.keys(versions), ['maskrcnn', 'libtorch', 'node']);
  t.is(versions.maskrcnn, version);
  t.is(versions.node, process.versions.node);
  t.regex(versions.libtorch, /^\d+\.\d+\.\d+/);
});

test('a new run in the folder of an earlier one leaves nothing of its metrics and reports, and all other files', async (t) => {
  const folder = await folderOf(t);
  const first = await RunFolder.open(folder);
  await tell(first);
  await first.close();
  await writeFile(join(folder, 'report.html'), 'of the first run');
  const before = await eventsOf(folder);
  for (const mine of ['notes.txt', 'events.out.tfevents.1.host', 'batches/mine.png']) {
    await writeFile(join(folder, mine), 'mine');
  }
  const second = await RunFolder.open(folder);
  await second.append({type: 'epoch', ...epoch(7)});
  await second.close();
  t.is(
    await readFile(join(folder, 'metrics.jsonl'), 'utf8'),
    `{"type":"run","runId":"${second.id}"}\n{"type":"epoch","epoch":7,"loss":1,"seconds":3,"validation":null}\n`,
  );
  const events = await eventsOf(folder);
  t.deepEqual(
    (await readdir(folder)).sort(),
    ['batches', ...events, 'metrics.jsonl', 'notes.txt', 'validation'].sort(),
  );
  t.is(events.length, 2, 'its own, and that of another program');
  t.is(before.length, 1);
  t.deepEqual(await readdir(join(folder, 'batches')), ['mine.png']);
  t.deepEqual(await readdir(join(folder, 'validation')), []);
});

test('a run that is resumed ends as one that was not interrupted', async (t) => {
  const [whole, parted] = [await folderOf(t), await folderOf(t)];
  const run = await RunFolder.open(whole);
  await tell(run);
  await run.close();

  // The run was killed in the middle of a line near its end. Its checkpoint is from the end of the first epoch.
  const killed = await RunFolder.open(parted);
  await tell(killed);
  await killed.close();
  await writeFile(join(parted, 'metrics.jsonl'), '{"type":"st', {flag: 'a'});
  const resumed = await RunFolder.open(parted, {resumeAt: {step: 2, epoch: 1}, warn: (text) => t.fail(text)});
  t.deepEqual(await resumed.history(), {steps: history.steps.slice(0, 2), epochs: history.epochs.slice(0, 1)});
  await tell(resumed, 2);
  await resumed.close();

  t.is(resumed.id, killed.id);
  for (const name of ['metrics.jsonl', 'results.csv', 'losses.svg', 'metrics.svg']) {
    const expected = (await readFile(join(whole, name), 'utf8')).replace(run.id, killed.id);
    t.is(await readFile(join(parted, name), 'utf8'), expected, name);
  }
  t.deepEqual(await readdir(join(parted, 'batches')), ['step-1.png', 'step-2.png']);
  const events = await eventsOf(parted);
  t.is(events.length, 2);
  t.deepEqual(
    readEvents(join(parted, events[1]!)).map((event) => [event.step, event.sessionStart ?? false]),
    [
      [0, false],
      [2, true],
      [2, false],
      [3, false],
      [3, false],
    ],
  );
});

test('damaged lines of a run that is resumed are told', async (t) => {
  const folder = await folderOf(t);
  await writeFile(join(folder, 'metrics.jsonl'), 'what\nis\n');
  const told: string[] = [];
  const run = await RunFolder.open(folder, {resumeAt: {step: 1, epoch: 0}, warn: (text) => told.push(text)});
  await run.close();
  t.deepEqual(told, [`${join(folder, 'metrics.jsonl')} has 2 damaged lines, left out.`]);
});

test('a folder that cannot be made is refused', async (t) => {
  const folder = await folderOf(t);
  const file = join(folder, 'file');
  await writeFile(file, '');
  for (const path of [file, join(file, 'run')]) {
    for (const options of [{}, {resumeAt: {step: 1, epoch: 0}}]) {
      const error = await t.throwsAsync(RunFolder.open(path, options), {instanceOf: MaskRcnnError});
      t.is(error!.code, 'INVALID_OPTION');
      t.true(
        error!.message.startsWith(`Option 'output' of train() must be a folder that can be written, got '${path}' (`),
        error!.message,
      );
    }
  }
});

test('reports that cannot be written are told once, and the rest is written', async (t) => {
  const folder = await folderOf(t);
  const told: string[] = [];
  const run = await RunFolder.open(folder, {warn: (text) => told.push(text)});
  // A file cannot replace a folder or be created inside a file.
  for (const name of ['results.csv', 'losses.png', 'metrics.svg']) await mkdir(join(folder, name));
  for (const name of ['batches', 'validation']) await writeFile(join(folder, name), '');
  await tell(run);
  await run.close();
  t.deepEqual(
    told.map((text) => /^Training goes on without (\S+): .*(EEXIST|EISDIR)/.exec(text)?.[1]).sort(),
    ['batches', 'losses.png', 'metrics.svg', 'results.csv', 'validation'],
    told.join('\n'),
  );
  t.is((await readFile(join(folder, 'metrics.jsonl'), 'utf8')).split('\n').length, 1 + 4 + 2 + 1);
  t.true((await readdir(folder)).includes('losses.svg'));
  t.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith('.tmp')),
    [],
    'nothing half is left',
  );
});

test('where there is nothing to show there is no picture', async (t) => {
  const folder = await folderOf(t);
  const run = await RunFolder.open(folder, {warn: (text) => t.fail(text)});
  await run.drawBatch(0, []);
  await run.drawValidation(0, []);
  await run.close();
  const names = await readdir(folder);
  t.false(names.includes('batches') || names.includes('validation'));
});

test('a picture that cannot be drawn is told, and the run goes on', async (t) => {
  const told: string[] = [];
  const run = await RunFolder.open(await folderOf(t), {warn: (text) => told.push(text)});
  const wrong = {...detections, masks: [new Uint8Array(7)]};
  await run.drawValidation(0, [{sample, detections: wrong}]);
  await run.close();
  t.is(told.length, 1);
  t.regex(told[0]!, /^Training goes on without validation: Mask 0 of the detections must be of the image's size/);
});

test('a run whose metrics cannot be written does not begin', async (t) => {
  if (process.platform !== 'linux') {
    t.log('skipped: no /dev/full here');
    t.pass();
    return;
  }
  const folder = await folderOf(t);
  const metrics = join(folder, 'metrics.jsonl');
  await symlink('/dev/full', metrics);
  const error = await t.throwsAsync(RunFolder.open(folder), {instanceOf: MaskRcnnError});
  t.is(error!.code, 'WRITE_FAILED');
  t.is(error!.file, metrics);
});

test('a new run removes the state of an earlier one', async (t) => {
  const folder = await folderOf(t);
  await writeFile(RunFolder.statePath(folder), 'of an earlier run');
  const run = await RunFolder.open(folder);
  t.false(existsSync(RunFolder.statePath(folder)));
  await run.close();
});

test('a new run renames the weights of an earlier one, so that nobody takes them for its own', async (t) => {
  const folder = await folderOf(t);
  for (const name of ['best', 'last']) await writeFile(join(folder, `${name}.safetensors`), `${name} of the first`);
  const run = await RunFolder.open(folder);
  await run.close();
  t.deepEqual((await readdir(folder)).filter((name) => name.endsWith('.safetensors')).sort(), [
    'earlier-best.safetensors',
    'earlier-last.safetensors',
  ]);
  t.is(await readFile(join(folder, 'earlier-best.safetensors'), 'utf8'), 'best of the first');
});

test('files of different runs are not resumed as one; files without an id are', async (t) => {
  const folder = await folderOf(t);
  const resumeAt = {step: 2, epoch: 1};
  const [metrics, options] = [join(folder, 'metrics.jsonl'), join(folder, 'options.json')];
  const run = await RunFolder.open(folder);
  await tell(run);
  await run.writeOptions({});
  await run.close();
  const before = await readFile(metrics, 'utf8');
  const open = (runId: string | undefined) => RunFolder.open(folder, {resumeAt, runId});
  const other = await t.throwsAsync(open('another'), {instanceOf: MaskRcnnError, code: 'INVALID_CHECKPOINT'});
  const state = RunFolder.statePath(folder);
  t.true(
    other!.message.startsWith(`${state} and ${metrics} must be of the same run, got run another and run ${run.id}.`),
  );
  t.is(await readFile(metrics, 'utf8'), before, 'nothing was cut off');

  // metrics.jsonl of an older version, options.json of another run.
  await writeFile(metrics, before.slice(before.indexOf('\n') + 1));
  await t.throwsAsync(open('another'), {code: 'INVALID_CHECKPOINT', message: /options\.json must be of the same run/});
  for (const saved of [run.id, undefined]) {
    const resumed = await open(saved);
    await resumed.close();
    t.is(resumed.id, run.id);
    t.is((await resumed.history()).steps.length, 2);
  }
  // No file has an id: the run gets one.
  await writeFile(metrics, before.slice(before.indexOf('\n') + 1));
  await rm(options);
  const named = await open(undefined);
  await named.close();
  t.regex(await readFile(metrics, 'utf8'), new RegExp(`^{"type":"run","runId":"${named.id}"}\\n{"type":"step"`));
});

test('two runs in one folder: the second is refused and changes nothing', async (t) => {
  const folder = await folderOf(t);
  const first = await RunFolder.open(folder);
  await tell(first);
  const before = await readFile(join(folder, 'metrics.jsonl'), 'utf8');
  for (const options of [{}, {resumeAt: {step: 0, epoch: 0}}]) {
    const error = await t.throwsAsync(RunFolder.open(folder, options), {instanceOf: MaskRcnnError, code: 'BUSY'});
    t.is(
      error!.message.split('\n')[0],
      `${folder} must not be in use by another run, but process ${process.pid} on ${hostname()} trains in it.`,
    );
  }
  t.is(await readFile(join(folder, 'metrics.jsonl'), 'utf8'), before);
  await first.close();
  await (await RunFolder.open(folder)).close();
  t.false((await readdir(folder)).includes('run.lock'));
});

test('a run that was suspended and has lost its folder to another ends and writes nothing', async (t) => {
  if (process.platform === 'win32') return t.pass('processes cannot be suspended here');
  const folder = await folderOf(t);
  const script = runnable('test/run/suspended-run.ts');
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const child = fork(script, [folder], {cwd, execArgv: [...nodeOptions]});
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'message');
  const ask = async () => {
    child.send('write');
    return (await once(child, 'message'))[0];
  };
  t.deepEqual(await ask(), Array(4).fill('done'));

  child.kill('SIGSTOP');
  const hourAgo = new Date(Date.now() - 3_600_000);
  await utimes(join(folder, 'run.lock'), hourAgo, hourAgo);
  const other = await RunFolder.open(folder);
  await tell(other);
  await other.writeOptions({});
  const content = async () => {
    const files = (await readdir(folder)).filter((name) => /\.(json|jsonl|csv|svg)$/.test(name)).sort();
    return Promise.all(files.map(async (name) => [name, await readFile(join(folder, name), 'utf8')]));
  };
  const before = await content();
  t.is(before.length, 5);
  child.kill('SIGCONT');
  t.deepEqual(await ask(), Array(4).fill('BUSY'));
  t.deepEqual(await content(), before);
  await other.close();
  t.deepEqual(await ask(), Array(4).fill('BUSY'), 'the other one has ended');
  t.deepEqual(await content(), before);
});

test('the lock of a run that was killed is taken over, and that of a folder that is refused is released', async (t) => {
  const folder = await folderOf(t);
  await writeFile(join(folder, 'run.lock'), `99999999 ${hostname()}`);
  await (await RunFolder.open(folder)).close();
  const options = {resumeAt: {step: 0, epoch: 0}, runId: 'another'};
  await t.throwsAsync(RunFolder.open(folder, options), {code: 'INVALID_CHECKPOINT'});
  t.false((await readdir(folder)).includes('run.lock'));
});

test('what a kill has left of half-written files is removed, and nothing else', async (t) => {
  const folder = await folderOf(t);
  await mkdir(join(folder, 'batches'));
  const left = ['last.state.safetensors', 'epoch-3.safetensors', 'metrics.jsonl', 'batches/step-1.png'];
  const others = ['mine.txt.0123abcd.tmp', 'last.state.safetensors.tmp', 'last.safetensors.0123ABCD.tmp', 'a.tmp'];
  for (const name of left) await writeFile(join(folder, `${name}.0123abcd.tmp`), 'half');
  for (const name of others) await writeFile(join(folder, name), 'mine');
  await writeAtomically(join(folder, 'best.safetensors'), async () => {
    await (await RunFolder.open(folder)).close();
  });
  const names = await readdir(folder, {recursive: true});
  t.deepEqual(names.filter((name) => name.endsWith('.tmp')).sort(), others.sort());
  t.true(names.includes('best.safetensors'), 'a file that was just being written');
});
