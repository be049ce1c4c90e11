import {mkdtemp, readdir, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {basename, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {EventFile} from '../../lib/run/event-file.js';
import {readEvents} from './event-reader.js';
import {epoch, pixelScores, step} from './records.js';

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-events-'));
  t.teardown(() => rm(folder, {recursive: true}));
  return folder;
}

test('steps and epochs become scalars, an epoch at its last step', async (t) => {
  const events = await EventFile.create(await folderOf(t), 0);
  await events.append({type: 'step', ...step(0, 5)});
  await events.append({type: 'step', ...step(1, 2.5)});
  await events.append({type: 'epoch', ...epoch(0, {pixel: pixelScores(0.5), new: {metric: 3}})});
  await events.close();

  const [version, start, first, second, end, ...more] = readEvents(events.path);
  t.is(version!.fileVersion, 'brain.Event:2');
  t.true(Math.abs(version!.wallTime - Date.now() / 1000) < 60);
  t.deepEqual([start!.sessionStart, start!.step], [true, 0]);
  t.deepEqual([first!.step, second!.step, end!.step, more.length], [0, 1, 1, 0]);
  t.deepEqual(first!.scalars, [
    ['loss/total', 5],
    ['loss/classifier', 1],
    ['loss/box_reg', 1],
    ['loss/mask', 1],
    ['loss/objectness', 1],
    ['loss/rpn_box_reg', 1],
    ['step/lr', Math.fround(0.01)],
    ['step/gradientNorm', 2],
    ['step/seconds', 0.5],
    ['step/dataSeconds', 0.25],
  ]);
  t.is(second!.scalars[0]![1], 2.5);
  t.deepEqual(end!.scalars.slice(0, 5), [
    ['epoch/loss', 1],
    ['epoch/seconds', 3],
    ['validation/pixel.images', 3],
    ['validation/pixel.emptyImages', 0],
    ['validation/pixel.mean.iou', 0.5],
  ]);
  t.deepEqual(end!.scalars.at(-1), ['validation/new.metric', 3]);
});

test('a run that goes on has a file of its own, which comes after the others and makes their later steps void', async (t) => {
  const folder = await folderOf(t);
  const files: EventFile[] = [];
  for (const firstStep of [0, 40, 10]) files.push(await EventFile.create(folder, firstStep));
  await files[2]!.append({type: 'epoch', ...epoch(0)});
  await Promise.all(files.map((file) => file.close()));
  t.deepEqual(
    (await readdir(folder)).sort(),
    files.map(({path}) => basename(path)),
  );
  t.deepEqual(
    files.map(({path}) => readEvents(path)[1]?.step),
    [0, 40, 10],
  );
  const [, start, end] = readEvents(files[2]!.path);
  t.true(start!.sessionStart);
  t.is(end!.step, 9, 'the epoch ended with the step before');
});

test('a write that fails names the file', async (t) => {
  const events = await EventFile.create(await folderOf(t), 0);
  await events.close();
  const error = await t.throwsAsync(events.append({type: 'step', ...step(0)}), {instanceOf: MaskRcnnError});
  t.is(error!.code, 'WRITE_FAILED');
  t.is(error!.file, events.path);
  t.true(error!.message.startsWith(`${events.path} could not be written: file closed.\n`), error!.message);
});
