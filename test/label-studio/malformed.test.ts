import test from 'ava';
import fc from 'fast-check';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {labelStudioBackend} from '../../lib/label-studio/backend.js';
import {classes, hardDetections} from './detected.js';

const signal = new AbortController().signal;
const CONFIG =
  '<View><Image name="image" value="$image"/><BrushLabels name="b" toName="image"><Label value="gland" alias="g"/>' +
  '</BrushLabels><PolygonLabels name="p" toName="image"><Label value="lumen"/></PolygonLabels></View>';
const IMAGE = `data:image/png;base64,${Buffer.from('pixels').toString('base64')}`;
const BODY = {
  tasks: [
    {id: 1, data: {image: IMAGE}, annotations: [], predictions: []},
    {id: 2, data: {image: '/data/upload/1/a.png'}},
  ],
  project: '3.1772323200',
  label_config: CONFIG,
  schema: CONFIG,
  hostname: 'http://label-studio.example',
  access_token: 'token',
  action: 'START_TRAINING',
  params: {login: null, password: null, context: {result: []}},
};

/** Any JSON, and values that only a program can pass. */
const anything = fc.oneof(
  fc.jsonValue({maxDepth: 3}),
  fc.anything({maxDepth: 2, withNullPrototype: true, withBigInt: true, withDate: true}),
  fc.constantFrom(undefined, Number.NaN, '__proto__', '', [], {}, 'data:', 'http://[', '/data/', CONFIG.slice(0, 40)),
);

/** All paths of a JSON value. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...path, key]))];
}

function replaced(value: unknown, path: readonly string[], by: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return by;
  const copy: Record<string, unknown> = Array.isArray(value) ? ([...value] as never) : {...(value as object)};
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

/** The text with a few characters left out, doubled or changed. */
const broken = (text: string) =>
  fc
    .array(fc.tuple(fc.nat(text.length), fc.nat(6), fc.string({maxLength: 4})), {minLength: 1, maxLength: 3})
    .map((changes) => changes.reduce((so, [at, length, by]) => so.slice(0, at) + by + so.slice(at + length), text));

const mutated = fc.oneof(
  fc
    .tuple(fc.constantFrom(...pathsOf(BODY)), fc.oneof(anything, broken(IMAGE)))
    .map(([path, by]) => replaced(BODY, path, by)),
  broken(CONFIG).map((xml) => ({...BODY, label_config: xml, schema: xml})),
  broken(JSON.stringify(BODY)).map((json) => {
    try {
      return JSON.parse(json) as unknown;
    } catch {
      return json;
    }
  }),
);

test('a malformed body never throws anything but a MaskRcnnError with a sentence', async (t) => {
  const found = await hardDetections();
  const few = {
    ...found,
    boxes: found.boxes.subarray(0, 8),
    labels: found.labels.subarray(0, 2),
    classNames: found.classNames.slice(0, 2),
    scores: found.scores.subarray(0, 2),
    masks: found.masks.slice(0, 2),
  };
  const backend = labelStudioBackend({name: 'm', version: '1', classes, maxBytes: 100, detect: async () => few});
  const seen = {answers: 0, errors: 0};
  const attempt = async (call: () => unknown) => {
    try {
      JSON.stringify(await call());
      seen.answers++;
    } catch (error) {
      if (!(error instanceof MaskRcnnError)) throw error;
      if (!/^[A-Z].*\.$/m.test(error.message)) throw new Error(`not a sentence: ${error.message}`);
      seen.errors++;
    }
  };
  await fc.assert(
    fc.asyncProperty(mutated, async (body) => {
      await attempt(() => backend.setup(body));
      await attempt(() => backend.predict(body, signal));
      await attempt(() => backend.webhook(body));
    }),
    {numRuns: 3000},
  );
  t.true(seen.answers > 1000 && seen.errors > 1000, JSON.stringify(seen));
});
