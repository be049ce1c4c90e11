import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {JsonFault, readJsonArrays, readJsonMembers} from '../../../lib/datasets/coco/json-arrays.js';

const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-json-'));
test.after.always(() => rm(folder, {recursive: true}));
const file = join(folder, 'given.json');

async function read(text: string, keys: readonly string[] = ['a', 'b']) {
  await writeFile(file, text);
  const elements: [key: string, value: unknown, text: string][] = [];
  const bytes = Buffer.from(text);
  const found = await readJsonArrays(file, keys, (piece) => {
    for (const {key, value, offset, length} of piece) {
      elements.push([key, value, bytes.toString('utf8', offset, offset + length)]);
    }
  });
  return {elements, found: [...found].sort()};
}

test.serial('elements of the arrays that are asked for, each with its place', async (t) => {
  const {elements, found} = await read(
    '{"info": {"a": [{"x": 0}]}, "a": [{"n": 1}, {"s": "]}\\"\\\\", "é": [[{}]]}], "c": [{"n": 3}], "n": 1e5, "b": []}',
  );
  t.deepEqual(elements, [
    ['a', {n: 1}, '{"n": 1}'],
    ['a', {s: ']}"\\', é: [[{}]]}, '{"s": "]}\\"\\\\", "é": [[{}]]}'],
  ]);
  t.deepEqual(found, ['a', 'b', 'c']);
});

test.serial('a file that is an array', async (t) => {
  const {elements, found} = await read(' [ {"a": [{}]} ,{"b":2}]\n', ['']);
  t.deepEqual(elements, [
    ['', {a: [{}]}, '{"a": [{}]}'],
    ['', {b: 2}, '{"b":2}'],
  ]);
  t.deepEqual(found, ['']);
});

test.serial('what is longer than a piece of the file', async (t) => {
  const long = 'x"\\'.repeat(1_000_000);
  const items = Array.from({length: 5}, (_, n) => ({n, long}));
  const {elements} = await read(JSON.stringify({a: items, 'k"]': long, b: [{}]}));
  t.deepEqual(
    elements.map(([key, value]) => [key, value]),
    [...items.map((item) => ['a', item]), ['b', {}]],
  );
});

for (const [text, message, offset] of [
  ['', /must be a JSON object or array, got nothing/, 0],
  ['3', /must be a JSON object or array/, 0],
  ['{"a": [{"n": 1}', /ends before its brackets are closed/, 15],
  ['{"a": [{"n": 1]}', /']' closes nothing/, 14],
  ['{"a": ["n', /must hold objects/, 7],
  ['{"a": [[1]]}', /'a' must hold objects/, 7],
  ['{"a": [3]}', /'a' must hold objects/, 7],
  ['{"a": [{"n": 1, }]}', /Malformed JSON/, undefined],
  ['{"a": [{"é": nil}]}', /Malformed JSON/, undefined],
  ['{"c": "x', /A string has no end/, 6],
  ['[] []', /more after the end/, 3],
] as const) {
  test.serial(`refused: ${text || 'nothing'}`, async (t) => {
    const fault = (await t.throwsAsync(read(text), {instanceOf: JsonFault, message}))!;
    if (offset !== undefined) t.is(fault.offset, offset);
    t.true(fault.offset >= 0 && fault.offset <= Buffer.byteLength(text));
  });
}

test.serial('reads what JSON.stringify writes; damage ends in a JsonFault at worst', async (t) => {
  const object = fc.dictionary(fc.string(), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(fc.array(object), fc.array(object), fc.nat(), fc.string(), async (a, b, cut, noise) => {
      const text = JSON.stringify({a, other: b, b}, null, cut % 3);
      t.deepEqual(
        (await read(text)).elements.map(([key, value]) => [key, value]),
        JSON.parse(JSON.stringify([...a.map((value) => ['a', value]), ...b.map((value) => ['b', value])])) as unknown[],
      );
      const at = cut % text.length;
      const damaged = text.slice(0, at) + noise + text.slice(at + 1);
      try {
        await read(damaged);
      } catch (error) {
        t.true(error instanceof JsonFault, String(error));
      }
    }),
    {numRuns: 200},
  );
});

async function readMembers(text: string, maps: readonly string[] = ['m', 'n']) {
  await writeFile(file, text);
  const members: [key: string, member: string | undefined, value: unknown][] = [];
  const {objects, others} = await readJsonMembers(file, maps, (piece) => {
    for (const {key, member, value} of piece) members.push([key, member, value]);
  });
  return {members, objects: [...objects].sort(), others: [...others].sort()};
}

test.serial('members that are objects, of the file and of the maps', async (t) => {
  const {members, objects, others} = await readMembers(
    '{"v": "1", "a": {"m": {"x": 1}}, "m": {"é\\"": {"y": [{}]}, "": {}}, "l": [{"z": 1}, "m"], "n": {}, "e": {"n": 5}, "t": null}',
  );
  t.deepEqual(members, [
    ['', 'a', {m: {x: 1}}],
    ['m', 'é"', {y: [{}]}],
    ['m', '', {}],
    ['', 'e', {n: 5}],
  ]);
  t.deepEqual(objects, ['a', 'e', 'm', 'n']);
  t.deepEqual(others, ['l', 't', 'v']);
});

for (const text of ['{"m": {"a": 5}}', '{"m": {"a": "x"}}', '{"m": {"a": [{}]}}', '{"m": {"a": }}', '{"m": {"a": {}']) {
  test.serial(`refused as members: ${text}`, async (t) => {
    await t.throwsAsync(readMembers(text), {instanceOf: JsonFault});
  });
}

test.serial('the members are those that JSON.parse() finds', async (t) => {
  const value = fc.jsonValue({maxDepth: 3});
  const object = fc.dictionary(fc.string(), fc.dictionary(fc.string(), value), {maxKeys: 5});
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), value), object, async (root, map) => {
      const content = {...root, m: map};
      const {members, others} = await readMembers(JSON.stringify(content), ['m']);
      const isObject = (each: unknown) => typeof each === 'object' && each !== null && !Array.isArray(each);
      const entries = Object.entries(JSON.parse(JSON.stringify(content)));
      const expected = entries.flatMap(([key, each]) =>
        key === 'm'
          ? Object.entries(each as object).map(([member, inner]) => ['m', member, inner])
          : isObject(each)
            ? [['', key, each]]
            : [],
      );
      t.deepEqual(members, expected as typeof members);
      t.deepEqual(
        others,
        entries
          .filter(([, each]) => !isObject(each))
          .map(([key]) => key)
          .sort(),
      );
    }),
    {numRuns: 200},
  );
});
