import {setTimeout as sleep} from 'node:timers/promises';
import test from 'ava';
import {ImageSource} from '../../lib/label-studio/image-source.js';
import {send, serve} from './servers.js';

const signal = new AbortController().signal;

/** A JSON Web Token without a signature that is worth anything. */
const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`;
const inMinutes = (minutes: number) => Math.floor(Date.now() / 1000) + 60 * minutes;

const source = (url: string | undefined, more: {apiKey?: string; maxBytes?: number; timeoutMs?: number} = {}) =>
  new ImageSource({
    base: url === undefined ? undefined : new URL(url),
    apiKey: more.apiKey,
    maxBytes: more.maxBytes ?? 1000,
    timeoutMs: more.timeoutMs ?? 10_000,
  });
const read = async (images: ImageSource, value: string) =>
  Buffer.from(await images.read({id: 1, value}, signal)).toString();

test('data: URIs are decoded, up to the limit', async (t) => {
  const images = source(undefined);
  t.is(await read(images, `data:image/png;base64,${Buffer.from('abc').toString('base64')}`), 'abc');
  const large = `data:image/png;base64,${Buffer.alloc(1001).toString('base64')}`;
  await t.throwsAsync(read(images, large), {code: 'INVALID_IMAGE', message: /more than the 1000 bytes/});
  const limit = `data:;base64,${Buffer.alloc(1000).toString('base64')}`;
  t.is((await read(images, limit)).length, 1000);
  await t.throwsAsync(read(images, 'data:image/svg+xml,<svg/>'), {code: 'INVALID_IMAGE', message: /base64/});
});

test('without the address of Label Studio, only images in the tasks can be read', async (t) => {
  const error = await t.throwsAsync(read(source(undefined), '/data/upload/1/a.png'), {code: 'INVALID_OPTION'});
  t.regex(error!.message, /The image of task 1 is in Label Studio: '\/data\/upload\/1\/a\.png'\./);
});

test('every form of an address that Label Studio has for its images is fetched, as its SDK does', async (t) => {
  const asked: string[] = [];
  const tool = await serve(t, (request, response) => {
    asked.push(request.url!);
    response.end('pixels');
  });
  for (const [base, prefix] of [
    [tool, ''],
    [`${tool}/studio/`, '/studio'],
  ] as const) {
    const images = source(base);
    const expected: [string, string][] = [
      ['/data/upload/3/a%20b.png', '/data/upload/3/a%20b.png'],
      ['upload/3/a.png', '/data/upload/3/a.png'],
      ['/upload/3/a.png', '/data/upload/3/a.png'],
      ['/data/local-files/?d=scans/b.png', '/data/local-files/?d=scans/b.png'],
      ['/storage-data/uploaded/?filepath=upload/3/a.png', '/storage-data/uploaded/?filepath=upload/3/a.png'],
      // Python's decoder wants the padding.
      ['s3://bucket/d.png', '/tasks/1/presign/?fileuri=czM6Ly9idWNrZXQvZC5wbmc%3D'],
      ['gs://bucket/d.png', '/tasks/1/presign/?fileuri=Z3M6Ly9idWNrZXQvZC5wbmc%3D'],
    ];
    for (const [value, path] of expected) {
      t.is(await read(images, value), 'pixels', value);
      t.is(asked.at(-1), prefix + path, value);
    }
    t.is(await read(images, `${tool}/any/place.png?x=1`), 'pixels');
    t.is(asked.at(-1), '/any/place.png?x=1');
  }
  const deep = source(`${tool}/studio`);
  await read(deep, '/studio/data/upload/3/a.png');
  t.is(asked.at(-1), '/studio/data/upload/3/a.png');
});

test('nothing else is fetched: other origins, other schemes, paths of the disk', async (t) => {
  const other = await serve(t, (_, response) => {
    t.fail('it was asked');
    response.end('secret');
  });
  const tool = await serve(t, (_, response) => response.end('pixels'));
  const refused = [
    '/data/../api/users',
    '/data/%2e%2e/%2e%2e/api/users',
    '/storage-data/../../user/account',
    `${other}/a.png`,
    other.replace('http:', 'https:'),
    `//${new URL(other).host}/a.png`,
    tool.replace('127.0.0.1', 'localhost'),
    `http://${new URL(tool).host}@${new URL(other).host}/a.png`,
    'https://bucket.s3.amazonaws.com/a.png?X-Amz-Signature=secret',
    'file:///etc/passwd',
    'ftp://127.0.0.1/a.png',
    '/etc/passwd',
    '../../etc/passwd',
    'a.png',
    'C:\\images\\a.png',
    'http://',
    ' ',
  ];
  for (const value of refused) {
    const error = await t.throwsAsync(read(source(tool, {apiKey: 'key'}), value), {code: 'INVALID_IMAGE'}, value);
    t.notRegex(error!.message, /secret|key/, value);
  }
  const {message} = (await t.throwsAsync(read(source(tool), refused[8]!)))!;
  t.regex(message, /it is at https:\/\/bucket\.s3\.amazonaws\.com, and images are fetched from http:.* alone/);
  t.regex(message, /turn off pre-signed URLs/);
  const numberless = source(tool).read({id: undefined, value: 's3://b/a.png'}, signal);
  await t.throwsAsync(numberless, {code: 'INVALID_IMAGE', message: /a task with a number/});
});

test('redirects are followed on the same origin alone', async (t) => {
  const other = await serve(t, (_, response) => {
    t.fail('it was asked');
    response.end('secret');
  });
  const tool = await serve(t, ({url}, response) => {
    const to: Record<string, string> = {
      '/data/a': '/data/b',
      '/data/b': '/data/image',
      '/data/away': `${other}/image`,
      '/data/login': '/user/login/?next=/data/login',
      '/data/round': '/data/round',
      '/data/wrong': 'http://[',
    };
    if (to[url!] === undefined) response.end('pixels');
    else response.writeHead(302, {location: to[url!]}).end();
  });
  const images = source(tool, {apiKey: 'key'});
  t.is(await read(images, '/data/a'), 'pixels');
  const faults: [string, string, RegExp][] = [
    ['/data/away', 'INVALID_IMAGE', /images are fetched from/],
    ['/data/login', 'DOWNLOAD_FAILED', /it wants a login\.\nCheck the API key/],
    ['/data/round', 'DOWNLOAD_FAILED', /leads on more than 5 times/],
    ['/data/wrong', 'DOWNLOAD_FAILED', /an address that is none/],
  ];
  for (const [value, code, message] of faults) await t.throwsAsync(read(images, value), {code, message}, value);
});

test('uploads that are in a cloud are asked for at their other address', async (t) => {
  const tool = await serve(t, ({url}, response) => {
    if (url === '/storage-data/uploaded/?filepath=upload%2F3%2Fa+b.png') response.end('pixels');
    else send(response, 404, {});
  });
  t.is(await read(source(tool), '/data/upload/3/a%20b.png'), 'pixels');
  await t.throwsAsync(read(source(tool), '/data/upload/3/c.png'), {
    code: 'DOWNLOAD_FAILED',
    message: /not there \(404\)/,
  });
});

test('answers that are no image, and what keeps one from coming, are errors', async (t) => {
  const tool = await serve(t, ({url}, response) => {
    if (url === '/data/page') response.setHeader('content-type', 'text/html; charset=utf-8').end('<html>');
    else if (url === '/data/large') response.end(Buffer.alloc(1001));
    else if (url === '/data/endless') {
      const more = setInterval(() => response.write(Buffer.alloc(400)), 5);
      response.on('close', () => clearInterval(more));
    } else if (url === '/data/cut') {
      response.writeHead(200, {'content-length': '100'}).write('part');
      setTimeout(() => response.destroy(), 20);
    } else if (url === '/data/never') response.writeHead(200).flushHeaders();
    else send(response, Number(url!.slice('/data/'.length)), {});
  });
  const faults: [string, string, RegExp][] = [
    ['/data/page', 'INVALID_IMAGE', /a page instead of an image/],
    ['/data/large', 'INVALID_IMAGE', /more than the 1000 bytes/],
    ['/data/endless', 'INVALID_IMAGE', /more than the 1000 bytes/],
    ['/data/cut', 'DOWNLOAD_FAILED', /does not give the image of task 1, '\/data\/cut'/],
    ['/data/401', 'DOWNLOAD_FAILED', /answered 401\.\nGive an API key/],
    ['/data/403', 'DOWNLOAD_FAILED', /answered 403/],
    ['/data/404', 'DOWNLOAD_FAILED', /not there/],
    ['/data/500', 'DOWNLOAD_FAILED', /answered 500/],
    ['/data/204', 'DOWNLOAD_FAILED', /answered 204/],
  ];
  for (const [value, code, message] of faults) await t.throwsAsync(read(source(tool), value), {code, message}, value);
  const slow = source(tool, {timeoutMs: 50});
  await t.throwsAsync(read(slow, '/data/never'), {code: 'DOWNLOAD_FAILED', message: /more than 0\.05 s/});
  await t.throwsAsync(read(source('http://127.0.0.1:1'), '/data/a'), {code: 'DOWNLOAD_FAILED'});
  const stop = new AbortController();
  const reading = source(tool).read({id: 1, value: '/data/never'}, stop.signal);
  await sleep(20);
  const reason = new Error('gone');
  stop.abort(reason);
  t.is(await t.throwsAsync(reading), reason);
});

test('a legacy token is sent as it is, a personal access token buys one, once for all who wait', async (t) => {
  const asked: string[] = [];
  let number = 0;
  const tool = await serve(t, async (request, response) => {
    if (request.url !== '/api/token/refresh/') {
      asked.push(request.headers.authorization ?? 'none');
      return void response.end('pixels');
    }
    const {refresh} = JSON.parse(Buffer.concat(await request.toArray()).toString()) as {refresh: string};
    asked.push(`${request.method} ${refresh === personal}`);
    // The first one ends at once.
    send(response, 200, {access: jwt({token_type: 'access', exp: inMinutes(number++ === 0 ? 0 : 5)})});
  });
  const personal = jwt({token_type: 'refresh', exp: inMinutes(1e5)});
  await read(source(tool, {apiKey: 'legacy.key.here'}), '/data/a');
  await read(source(tool), '/data/a');
  t.deepEqual(asked, ['Token legacy.key.here', 'none']);
  asked.length = 0;
  const images = source(tool, {apiKey: personal});
  await read(images, '/data/a');
  t.deepEqual(asked.slice(0, 2), ['POST true', 'POST true'], 'one that ends at once is not used');
  t.regex(asked[2]!, /^Bearer e30\./);
  asked.length = 0;
  await Promise.all([read(images, '/data/a'), read(images, '/data/b'), read(images, '/data/c')]);
  t.is(asked.length, 3);
  t.true(asked.every((each) => each.startsWith('Bearer ')));
  const access = jwt({token_type: 'access', exp: inMinutes(5)});
  asked.length = 0;
  await read(source(tool, {apiKey: access}), '/data/a');
  t.deepEqual(asked, [`Bearer ${access}`]);
});

test('a token that is refused is renewed once', async (t) => {
  let [tokens, refusals] = [0, 1];
  const tool = await serve(t, (request, response) => {
    if (request.url === '/api/token/refresh/') send(response, 200, {access: jwt({n: tokens++, exp: inMinutes(5)})});
    else if (refusals-- > 0) send(response, 401, {});
    else response.end('pixels');
  });
  const apiKey = jwt({token_type: 'refresh'});
  t.is(await read(source(tool, {apiKey}), '/data/a'), 'pixels');
  t.is(tokens, 2);
  refusals = 2;
  await t.throwsAsync(read(source(tool, {apiKey}), '/data/a'), {code: 'DOWNLOAD_FAILED', message: /Check the API key/});
});

test('a personal access token that buys nothing is an error without the key', async (t) => {
  const answers: [number, string][] = [
    [401, '{"detail": "expired"}'],
    [200, '{}'],
    [200, 'null'],
    [200, 'no JSON'],
    [200, '{"access": "line\\nbreak"}'],
    [200, '{"access": 7}'],
  ];
  let answer = answers[0]!;
  const tool = await serve(t, (_, response) => response.writeHead(answer[0]).end(answer[1]));
  const apiKey = jwt({token_type: 'refresh'});
  const images = source(tool, {apiKey});
  for (answer of answers) {
    const error = await t.throwsAsync(read(images, '/data/a'), {code: 'DOWNLOAD_FAILED'}, answer[1]);
    t.regex(error!.message, /gave no token for the API key/);
    t.false(error!.message.includes(apiKey));
  }
});
