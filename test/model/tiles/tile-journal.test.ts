import {appendFile, mkdtemp, readFile, rm, truncate, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {WorkKey} from '../../../lib/files/work-key.js';
import {TileJournal} from '../../../lib/model/tiles/tile-journal.js';
import type {TileState} from '../../../lib/model/tiles/tile-state.js';
import type {TiledObject} from '../../../lib/model/tiles/tiled-object.js';

const key: WorkKey = {image: 'a.tif', '--tiles': 512, '--level': null};

const object = (left: number): TiledObject => ({
  ...{label: 1, className: 'cell', score: Math.fround(0.1), cut: false},
  box: [left, 0, left + 2, Math.fround(0.3)],
  mask: {left, top: 0, rle: {size: [1, 2], counts: '02'}},
});

const stateAfter = (done: number): TileState => ({
  grid: {width: 9, height: 9, size: 512, overlap: 0},
  ...{done, blank: 0, objects: done, parts: [], groups: []},
});

async function folderFor(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-journal-'));
  t.teardown(() => rm(folder, {recursive: true}));
  return join(folder, 'a.tiles');
}

async function all(journal: TileJournal): Promise<TiledObject[]> {
  const objects: TiledObject[] = [];
  for await (const one of journal.read()) objects.push(one);
  return objects;
}

test('what was saved is there again; what came after the last state is not', async (t) => {
  const folder = await folderFor(t);
  t.false(await TileJournal.isThere(folder));
  const first = await TileJournal.open(folder, key);
  t.is(first.from, undefined);
  t.deepEqual(await all(first), []);
  await Promise.all([first.save([object(1), object(2)], stateAfter(1)), first.save([object(3)], stateAfter(2))]);
  await first.close();
  t.true(await TileJournal.isThere(folder));
  await appendFile(join(folder, 'objects.jsonl'), '{"label":1,"cla'); // as of a process that was killed

  const second = await TileJournal.open(folder, key);
  t.deepEqual([second.from, second.objects, second.isDone], [stateAfter(2), 3, false]);
  t.deepEqual(await all(second), [1, 2, 3].map(object));
  await second.save([object(4)], null);
  t.true(second.isDone);
  await second.close();

  const third = await TileJournal.open(folder, key);
  t.deepEqual([third.from, third.objects, third.isDone], [undefined, 4, true]);
  t.deepEqual(await all(third), [1, 2, 3, 4].map(object));
  await third.close();
  await TileJournal.remove(folder);
  t.false(await TileJournal.isThere(folder));
});

test('a run with other options cannot go on', async (t) => {
  const folder = await folderFor(t);
  const journal = await TileJournal.open(folder, key);
  await journal.save([], stateAfter(1));
  await journal.close();
  await t.throwsAsync(TileJournal.open(folder, {...key, '--tiles': 256}), {
    code: 'INVALID_OPTION',
    message: /had another --tiles: 512, now 256\.\nGo on with what it was begun with/,
  });
  await t.throwsAsync(TileJournal.open(folder, {...key, '--level': 1}), {message: /another --level: none, now 1\./});
});

test('damaged files are named', async (t) => {
  const folder = await folderFor(t);
  const journal = await TileJournal.open(folder, key);
  await journal.save([object(1)], stateAfter(1));
  await journal.close();
  const objects = join(folder, 'objects.jsonl');
  const {length} = await readFile(objects);
  await truncate(objects, 3);
  const shorter = await t.throwsAsync<Error & {file: string}>(TileJournal.open(folder, key));
  t.regex(shorter.message, new RegExp(`must have at least ${length} bytes, got 3: it was changed or is damaged`));
  t.is(shorter.file, objects);
  await writeFile(join(folder, 'state.json'), '{"key":');
  await t.throwsAsync(TileJournal.open(folder, key), {
    code: 'INVALID_OPTION',
    message: /state\.json is not the state of a prediction/,
  });
});
