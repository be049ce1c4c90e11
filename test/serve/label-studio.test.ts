import {readFile} from 'node:fs/promises';
import test from 'ava';
import {serve as listen} from '../label-studio/servers.js';
import {cells, formulaWeights, png, refused, started, type Weights} from './started.js';

type Recorded = {method: string; path: string; headers: Record<string, string>; body?: Record<string, unknown>};
type Answer = {results: {result: {value: Record<string, unknown>; score: number}[]; model_version: string}[]};

let weights: Weights;
let body: Buffer;
/** What the tool's own client sends, for the classes of the network. */
let requests: Recorded[];
/** The classes that the tool has labels for. */
let known: string[];
test.before(async () => {
  weights = await formulaWeights();
  body = await png(cells);
  const text = await readFile(new URL('../fixtures/label-studio/requests.json', import.meta.url), 'utf8');
  const [found] = await weights.model.predict(body, {scoreThreshold: 0.5});
  known = [...new Set(found.classNames)].slice(0, 2);
  const [first, second] = known;
  requests = JSON.parse(
    text
      .replaceAll('value=\\"gland\\"', `value=\\"${first}\\"`)
      .replaceAll('value=\\"lumen\\"', `value=\\"${second}\\"`),
  ).requests;
});
test.after.always(() => weights.remove());

test('Label Studio gets the objects of the images that it has', async (t) => {
  const asked: string[] = [];
  const tool = await listen(t, ({url, headers}, response) => {
    asked.push(`${headers.authorization} ${url}`);
    response.end(body);
  });
  const notices: string[] = [];
  const {url} = await started(t, weights.file, {
    labelStudio: tool,
    labelStudioKey: 'key',
    token: 'secret',
    // The time of a request is not that of Label Studio, which asks for many images at once.
    timeoutSeconds: 0.05,
    onNotice: (notice) => notices.push(notice),
  });
  const ask = (prefix: string, {method, path, headers, body: sent}: Recorded, token = 'secret') =>
    fetch(`${url}${prefix}${path}`, {
      method,
      // Its settings have a user and a password for a backend.
      headers: {...headers, authorization: `Basic ${Buffer.from(`user:${token}`).toString('base64')}`},
      ...(sent && {body: JSON.stringify(sent)}),
    });
  const [found] = await weights.model.predict(body, {scoreThreshold: 0.5});
  const expected = Array.from(found.scores).filter((_, i) => known.includes(found.classNames[i]!));
  t.true(expected.length > 1);
  for (const prefix of ['/label-studio', '/label-studio/models/cells']) {
    for (const request of requests) {
      const response = await ask(prefix, request);
      t.is(response.status, 200, request.path);
      if (request.path !== '/predict') continue;
      const {results} = (await response.json()) as Answer;
      t.is(results.length, 2);
      for (const {result, model_version} of results) {
        t.regex(model_version, /^cells \d{4}-\d\d-\d\dT/);
        t.deepEqual(
          result.map(({score}) => Math.fround(score)),
          expected,
        );
      }
    }
  }
  t.deepEqual(
    [...new Set(asked)],
    ['Token key /data/upload/3/1a2b3c4d-a.png', 'Token key /data/local-files/?d=scans/b.png'],
  );
  t.true(notices.some((notice) => notice.startsWith('Label Studio: This server does not train.')));

  for (const request of requests) await refused(t, await ask('/label-studio', request, 'wrong'), 401, 'UNAUTHORIZED');
});

test('what cannot be answered is refused, and told to whoever runs the server', async (t) => {
  const notices: string[] = [];
  const tool = await listen(t, (_request, response) => response.writeHead(404).end());
  const {url} = await started(t, weights.file, {labelStudio: tool, onNotice: (notice) => notices.push(notice)});
  const post = (path: string, sent: string) =>
    fetch(`${url}/label-studio${path}`, {method: 'POST', body: sent, headers: {'content-type': 'application/json'}});
  for (const sent of ['', '{', 'null', '[]', '{"tasks": 3}', '{"tasks": []}']) {
    const response = await post('/predict', sent);
    t.is(response.status, 400, sent);
  }
  await refused(t, await post('/setup', '{}'), 400, 'INVALID_OPTION');
  const missing = requests.find(({path}) => path === '/predict')!.body!;
  await refused(t, await post('/predict', JSON.stringify(missing)), 502, 'DOWNLOAD_FAILED');
  t.is(notices.length, 8);
  t.true(notices.every((notice) => /^Label Studio(:| does not give) /.test(notice)));
});

test('without its address there is no backend', async (t) => {
  const {url} = await started(t, weights.file);
  await refused(t, await fetch(`${url}/label-studio/health`), 404, 'NOT_FOUND');
  await t.throwsAsync(started(t, weights.file, {labelStudioKey: 'key'}), {
    code: 'INVALID_OPTION',
    message: "Option 'labelStudioKey' of serve() needs option 'labelStudio'.",
  });
  await t.throwsAsync(started(t, weights.file, {labelStudio: 'ftp://x'}), {code: 'INVALID_OPTION'});
});
