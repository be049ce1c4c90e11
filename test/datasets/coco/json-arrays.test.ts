import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {JsonFault, readJsonArrays} from '../../../lib/datasets/coco/json-arrays.js';

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
