import {createReadStream} from 'node:fs';
import {readFile} from 'node:fs/promises';
import {connect} from 'node:net';
import test from 'ava';
import sharp from 'sharp';
import {serve} from '../../lib/serve/serve.js';
import {writeBmp} from '../image/bmp-writer.js';
import {writePng} from '../image/png-writer.js';
import {writeTiff} from '../image/tiff-writer.js';
import {cells, formulaWeights, png, refused, started, type Weights} from './started.js';

let weights: Weights;
let body: Uint8Array<ArrayBuffer>;
test.before(async () => {
  weights = await formulaWeights();
  body = new Uint8Array(await png(cells));
});
test.after.always(() => weights.remove());

const post = (url: string, content: NonNullable<RequestInit['body']>, headers: Record<string, string> = {}) =>
  fetch(url, {method: 'POST', body: content, headers});

test('bodies that are no image are refused, each with a status, a code and a sentence', async (t) => {
  const {url} = await started(t, weights.file);
  const predict = `${url}/predict`;
  await refused(t, await fetch(predict, {method: 'POST'}), 400, 'NO_IMAGE');
  await refused(t, await post(predict, 'no image'), 422, 'INVALID_IMAGE');
  await refused(
    t,
    await post(predict, '{"url": "file:///etc/passwd"}', {'content-type': 'application/json'}),
    422,
    'INVALID_IMAGE',
  );
  await refused(t, await post(predict, '{', {'content-type': 'application/json'}), 422, 'INVALID_IMAGE');
  const cut = await refused(t, await post(predict, body.slice(0, body.length / 2)), 422, 'INVALID_IMAGE');
  t.regex(cut.message, /^image /);
  await refused(t, await post(predict, new FormData()), 400, 'NO_IMAGE');
  const withText = new FormData();
  withText.append('file', '/etc/passwd');
  await refused(t, await post(predict, withText), 400, 'NO_IMAGE');
  const two = new FormData();
  two.append('a', new Blob([body]), 'good.png');
  two.append('b', new Blob(['bad']), 'bad.png');
  t.regex((await refused(t, await post(predict, two), 422, 'INVALID_IMAGE')).message, /^bad\.png /);
  for (const type of [
    'multipart/form-data',
    'multipart/form-data; boundary=x',
    'a/b/c',
    ';;;',
    'image/png; charset="',
  ]) {
    const response = await post(predict, 'garbage', {'content-type': type});
    t.true([400, 415, 422].includes(response.status), `${type}: ${response.status}`);
    t.is(typeof ((await response.json()) as {code: unknown}).code, 'string');
  }
});

test('parameters that are not known or not right are refused', async (t) => {
  const {url} = await started(t, weights.file);
  const ask = async (parameters: string, status = 400, code = 'INVALID_OPTION') =>
    refused(t, await post(`${url}/predict?${parameters}`, body), status, code);
  t.like(await ask('scoreTreshold=0.5'), {
    message: "POST /predict has no option 'scoreTreshold'.",
    hint: "Did you mean 'scoreThreshold'?",
  });
  await ask('scoreThreshold=2');
  await ask('scoreThreshold=x');
  await ask('views=3');
  await ask('tiles=4');
  await ask('overlap=32');
  await ask('tiles=64&overlap=60');
  await ask('format=xml');
  await ask('__proto__=1');
  await ask('page=9', 422, 'INVALID_IMAGE');
  await ask('channels=7', 422, 'INVALID_IMAGE');
  t.is((await ask('model=other', 404, 'UNKNOWN_MODEL')).hint, 'There is cells.');
});

test('parameters of any length and depth are refused in short words, and nothing is parsed', async (t) => {
  const {url} = await started(t, weights.file);
  const form = (name: string, value: string) => {
    const fields = new FormData();
    fields.append('image', new Blob([body]), 'a.png');
    fields.append(name, value);
    return fetch(`${url}/predict`, {method: 'POST', body: fields});
  };
  for (const value of ['['.repeat(1000), '['.repeat(12_000), '{"a":'.repeat(1000), 'x'.repeat(9000)]) {
    for (const name of ['tiles', 'channels', 'range', 'model', 'nix']) {
      const inAddress = await refused(t, await post(`${url}/predict?${name}=${value}`, body), 400, 'INVALID_OPTION');
      t.true(inAddress.message.length < 400);
      const {status} = await form(name, value);
      t.is(status, 400);
    }
  }
  const many = Array.from({length: 100}, () => 'channels=1').join('&');
  await refused(t, await post(`${url}/predict?${many}`, body), 400, 'INVALID_OPTION');
  t.regex((await refused(t, await form('tiles', 'x: y\nz'), 400, 'INVALID_OPTION')).message, /got 'x: y z'\.$/);
  t.regex((await refused(t, await post(`${url}/predict?page=`, body), 400, 'INVALID_OPTION')).message, /got ''\.$/);
  t.is((await fetch(`${url}/health`)).status, 200);
});

test('addresses and methods that are not there', async (t) => {
  const {url} = await started(t, weights.file);
  for (const path of [
    '/nix',
    '/../package.json',
    '/%2e%2e/package.json',
    '/finder.ts',
    '/predict/x',
    '/%',
    '/page.js%00',
  ]) {
    const response = await fetch(`${url}${path}`);
    t.true([400, 404].includes(response.status), `${path}: ${response.status}`);
    t.is(typeof ((await response.json()) as {code: unknown}).code, 'string');
  }
  const wrong = await fetch(`${url}/predict`);
  t.is(wrong.headers.get('allow'), 'POST');
  await refused(t, wrong, 405, 'METHOD_NOT_ALLOWED');
  await refused(t, await fetch(`${url}/health`, {method: 'DELETE'}), 405, 'METHOD_NOT_ALLOWED');
});

test('more bytes, pixels or images than the server takes are refused before they are decoded', async (t) => {
  const {url} = await started(t, weights.file, {maxMegabytes: 0.4, maxMegapixels: 0.1, maxImages: 2});
  const predict = `${url}/predict`;
  await refused(t, await post(predict, new Uint8Array(500_000)), 413, 'BODY_TOO_LARGE');
  // Without a length, by its parts.
  const stream = createReadStream(weights.file);
  const chunked = await fetch(predict, {method: 'POST', body: stream, duplex: 'half'} as unknown as RequestInit).catch(
    () => undefined,
  );
  if (chunked !== undefined) await refused(t, chunked, 413, 'BODY_TOO_LARGE');
  const wide = {data: new Uint8Array(400 * 300 * 3), width: 400, height: 300};
  await refused(t, await post(predict, new Uint8Array(await png(wide))), 413, 'TOO_MANY_PIXELS');
  const bmp = writeBmp({width: 400, height: 300, bits: 1, pixel: () => 0});
  await refused(t, await post(predict, new Uint8Array(bmp)), 413, 'TOO_MANY_PIXELS');
  // More than is ever decoded: it is a matter of size, too.
  const huge = [
    writePng({width: 20_000, height: 20_000, bits: 8, value: () => 0, compressed: Buffer.alloc(8)}),
    writeTiff({width: 20_000, height: 20_000, data: new Uint8Array(8)}),
    writeBmp({width: 8, height: 8, bits: 1, pixel: () => 0}),
  ];
  const {buffer, byteOffset} = huge[2]!;
  for (const side of [18, 22]) new DataView(buffer, byteOffset).setInt32(side, 20_000, true);
  for (const image of huge) {
    const refusal = await refused(t, await post(predict, new Uint8Array(image)), 413, 'TOO_MANY_PIXELS');
    t.is(refusal.message, 'image must have at most 0.1 megapixels, got 20000 × 20000.');
  }
  const three = new FormData();
  for (const name of ['a', 'b', 'c']) three.append('files', new Blob(['tiny']), name);
  await refused(t, await post(predict, three), 413, 'TOO_MANY_IMAGES');
  t.is((await post(predict, new Uint8Array(await png({...cells, data: cells.data})))).status, 200);
});

test('with a token, nothing is told without it', async (t) => {
  const {url} = await started(t, weights.file, {token: 'open sesame'});
  const get = (path: string, authorization?: string) =>
    fetch(`${url}${path}`, {headers: authorization === undefined ? {} : {authorization}});
  for (const path of ['/models', '/metrics']) {
    const bare = await get(path);
    t.is(bare.headers.get('www-authenticate'), 'Bearer realm="maskrcnn"');
    await refused(t, bare, 401, 'UNAUTHORIZED');
    for (const wrong of ['Bearer x', 'Bearer', 'Basic ???', 'open sesame', 'Basic b3BlbiBzZXNhbWU6']) {
      await refused(t, await get(path, wrong), 401, 'UNAUTHORIZED');
    }
  }
  await refused(t, await post(`${url}/predict`, body), 401, 'UNAUTHORIZED');
  t.is((await get('/models', `Basic ${Buffer.from('user:open sesame').toString('base64')}`)).status, 200);
  t.is((await post(`${url}/predict`, body, {authorization: 'bearer open sesame'})).status, 200);
  for (const path of ['/', '/page.css', '/health', '/ready', '/openapi.json'])
    t.is((await get(path)).status, 200, path);
});

test('others can reach a server only if that is said', async (t) => {
  await t.throwsAsync(serve(weights.file, {host: '0.0.0.0', port: 0}), {
    code: 'INVALID_OPTION',
    message: /needs a token to listen on 0\.0\.0\.0/,
  });
  await t.throwsAsync(serve(weights.file, {token: 'x', noToken: true}), {code: 'INVALID_OPTION', message: /got both/});
  const open = await started(t, weights.file, {host: '0.0.0.0', noToken: true});
  const port = new URL(open.url).port;
  t.is((await fetch(`http://127.0.0.1:${port}/models`)).status, 200);
});

test('a name that is not of this machine is refused without a token', async (t) => {
  const {url} = await started(t, weights.file);
  const withHost = (name: string) => raw(url, `GET /models HTTP/1.1\r\nhost: ${name}\r\nconnection: close\r\n\r\n`);
  t.regex(await withHost('evil.example'), /^HTTP\/1\.1 421 .*"code":"HOST_NOT_ALLOWED"/s);
  t.regex(await withHost('127.0.0.1.evil.example:80'), /^HTTP\/1\.1 421/);
  for (const name of ['localhost:1', '127.0.0.1', '[::1]:80']) t.regex(await withHost(name), /^HTTP\/1\.1 200/, name);
});

test('a page from elsewhere is refused without a token, and this server’s own is not', async (t) => {
  const {url} = await started(t, weights.file);
  await refused(t, await post(`${url}/predict`, body, {origin: 'https://evil.example'}), 403, 'HOST_NOT_ALLOWED');
  await refused(t, await post(`${url}/predict`, body, {origin: 'null'}), 403, 'HOST_NOT_ALLOWED');
  t.is((await post(`${url}/predict`, body, {origin: url})).status, 200);
});

test('bodies that are compressed as a whole, and two images for one', async (t) => {
  const {url} = await started(t, weights.file);
  await refused(t, await post(`${url}/predict`, body, {'content-encoding': 'gzip'}), 415, 'UNSUPPORTED_ENCODING');
  const two = new FormData();
  for (const name of ['a', 'b']) two.append('files', new Blob([body]), name);
  await refused(t, await post(`${url}/image`, two), 413, 'TOO_MANY_IMAGES');
});

test('what is not HTTP gets an answer too', async (t) => {
  const {url} = await started(t, weights.file);
  t.regex(await raw(url, 'garbage\r\n\r\n'), /^HTTP\/1\.1 400 .*"code":"BAD_REQUEST"/s);
  const long = await raw(url, `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`);
  t.regex(long, /^HTTP\/1\.1 431 Request Header Fields Too Large.*"message":"The address and headers/s);
  t.regex(await raw(url, 'GET /health HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200/);
  const expecting = 'POST /predict HTTP/1.1\r\nhost: localhost\r\nexpect: magic\r\nconnection: close\r\n\r\n';
  t.regex(await raw(url, expecting), /^HTTP\/1\.1 417 .*"code":"BAD_REQUEST"/s);
  t.regex(await raw(url, 'POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n'), /^HTTP\/1\.1 400/);
});

test('answers carry the headers that keep a browser from doing more', async (t) => {
  const {url} = await started(t, weights.file);
  for (const path of ['/', '/models', '/nix']) {
    const {headers} = await fetch(`${url}${path}`);
    t.regex(
      headers.get('content-security-policy') ?? '',
      /default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/,
    );
    t.is(headers.get('x-content-type-options'), 'nosniff');
  }
  const html = await (await fetch(url)).text();
  t.notRegex(html, /<script(?![^>]*src=)|\son\w+=|style="/);
});

/** What comes back for the bytes of a request. */
function raw(url: string, request: string): Promise<string> {
  const {hostname, port} = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    connect(Number(port), hostname)
      .setEncoding('utf8')
      .on('data', (text) => (answer += text))
      .on('close', () => resolve(answer))
      .on('error', reject)
      .write(request);
  });
}

test('a hundred damaged bodies leave the server as it was', async (t) => {
  const {url} = await started(t, weights.file);
  const jpeg = await sharp(Buffer.from(body)).jpeg().toBuffer();
  const readme = await readFile(new URL('../../README.md', import.meta.url));
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let i = 0; i < 100; i++) {
    const bytes = Uint8Array.from([Buffer.from(body), jpeg, readme][i % 3]!);
    for (let n = 0; n < 1 + random(20); n++) bytes[random(bytes.length)] = random(256);
    const damaged = random(3) === 0 ? bytes.slice(0, random(bytes.length)) : bytes;
    const response = await post(`${url}/predict`, damaged);
    t.true([200, 400, 413, 422].includes(response.status), `${i}: ${response.status} ${await response.clone().text()}`);
    await response.arrayBuffer();
  }
  t.is((await post(`${url}/predict`, body)).status, 200);
});
