import {createServer} from 'node:http';
import {type AddressInfo, connect} from 'node:net';
import test from 'ava';
import {serve} from '../../lib/serve/serve.js';
import {onLinux, requireFree} from '../free-loop.js';
import {cells, formulaWeights, metric, png, refused, started, until, type Weights} from './started.js';

let weights: Weights;
let small: Uint8Array<ArrayBuffer>;
/** Takes long enough to be caught at it: hundreds of tiles. */
let slow: {url: (server: string) => string; body: Uint8Array<ArrayBuffer>};
test.before(async () => {
  weights = await formulaWeights();
  small = new Uint8Array(await png(cells));
  const side = 1000;
  const data = Uint8Array.from({length: side * side * 3}, (_, i) => (i * 7) % 251);
  slow = {
    url: (server) => `${server}/predict?tiles=64&overlap=16&scoreThreshold=0.99`,
    body: new Uint8Array(await png({data, width: side, height: side})),
  };
});
test.after.always(() => weights.remove());

const post = (url: string, body: Uint8Array<ArrayBuffer>, signal?: AbortSignal) =>
  fetch(url, {method: 'POST', body, ...(signal && {signal})});

test('a full queue refuses before the body is read, says when to come again, and is not ready', async (t) => {
  const {url} = await started(t, weights.file, {queue: 0});
  const gone = new AbortController();
  const slowOnes = [1, 2, 3].map(() => post(slow.url(url), slow.body, gone.signal).catch(() => undefined));
  await until(async () => (await metric(url, 'maskrcnn_queue_running')) === 3);
  const refusal = await post(`${url}/predict`, small);
  t.regex(refusal.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
  await refused(t, refusal, 429, 'QUEUE_FULL');
  await refused(t, await fetch(`${url}/ready`), 429, 'QUEUE_FULL');
  t.is((await fetch(`${url}/health`)).status, 200);
  gone.abort();
  await Promise.all(slowOnes);
  // Those whose clients have gone are given up at the next tile.
  await until(async () => (await metric(url, 'maskrcnn_queue_running')) === 0);
  t.is((await post(`${url}/predict`, small)).status, 200);
  t.is(await metric(url, 'maskrcnn_requests_total{route="/predict",status="499"}'), 3);
  t.is(await metric(url, 'maskrcnn_images_total'), 1);
});

test('a request that is not done in time is given up', async (t) => {
  const {url} = await started(t, weights.file, {timeoutSeconds: 0.3});
  const problem = await refused(t, await post(slow.url(url), slow.body), 504, 'TIMEOUT');
  t.is(problem.message, 'The request was not done within 0.3 s.');
  await until(async () => (await metric(url, 'maskrcnn_queue_running')) === 0);
});

test('closing finishes what was taken, refuses what is new, and ends', async (t) => {
  const server = await serve(weights.file, {port: 0});
  const {url} = server;
  const running = [1, 2, 3, 4].map(() => post(`${url}/predict`, small));
  const names = ['maskrcnn_queue_running', 'maskrcnn_queue_waiting', 'maskrcnn_requests_total{route="/predict"'];
  const taken = async () => (await Promise.all(names.map((name) => metric(url, name)))).reduce((sum, n) => sum + n, 0);
  await until(async () => (await taken()) >= running.length);
  const closed = server.close();
  t.is(server.close(), closed);
  for (const response of await Promise.all(running)) t.is(response.status, 200);
  await closed;
  await t.throwsAsync(fetch(`${url}/health`));
});

/** Begins a request and sends the rest later. */
function inParts(url: string, begin: string | Uint8Array) {
  const {hostname, port} = new URL(url);
  const socket = connect({port: Number(port), host: hostname, allowHalfOpen: true});
  const answer = new Promise<string>((resolve) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (part) => (text += part));
    // The server need not wait until a socket is read to its end.
    socket.on('error', () => resolve(text)).on('close', () => resolve(text));
    socket.on('end', () => socket.end());
  });
  socket.write(begin);
  return {socket, answer};
}

test('a server that ends waits 5 seconds for requests half sent, and finishes those that are whole', async (t) => {
  const server = await serve(weights.file, {port: 0});
  const {url} = server;
  const head = 'POST /predict HTTP/1.1\r\nhost: localhost\r\n';
  const withBody = (more: string) =>
    inParts(url, Buffer.concat([Buffer.from(`${head}${more}`), small.subarray(0, 99)]));
  const form = '--x\r\ncontent-disposition: form-data; name="a"; filename="a.png"\r\n\r\n';
  const late = {
    headers: inParts(url, head),
    'a body': withBody(`content-length: ${small.length}\r\n\r\n`),
    'chunks of a body': withBody('transfer-encoding: chunked\r\n\r\n63\r\n'),
    'a form': withBody(
      `content-type: multipart/form-data; boundary=x\r\ncontent-length: ${small.length}\r\n\r\n${form}`,
    ),
  };
  const inTime = withBody(`content-length: ${small.length}\r\n\r\n`);
  const running = post(slow.url(url), slow.body);
  await until(async () => (await metric(url, 'maskrcnn_queue_running')) === 1);
  const began = performance.now();
  const closed = server.close();
  setTimeout(() => inTime.socket.write(small.subarray(99)), 500);
  for (const [what, {answer}] of Object.entries(late)) {
    const text = await answer;
    const seconds = (performance.now() - began) / 1000;
    t.regex(text, /^HTTP\/1\.1 503 Service Unavailable\r\n.*"code":"SHUTTING_DOWN".*not come as a whole/s, what);
    t.true(seconds > 4.9 && seconds < 20, `${what}: ${seconds} s`);
  }
  t.regex(await inTime.answer, /^HTTP\/1\.1 200 OK\r\n/);
  t.is((await running).status, 200);
  await closed;
});

test('several networks are told apart by name', async (t) => {
  const {url, models} = await started(t, [`one=${weights.file}`, weights.file]);
  t.deepEqual(models, ['one', 'cells']);
  const of = async (parameters: string) =>
    ((await (await post(`${url}/predict${parameters}`, small)).json()) as {model: string}).model;
  t.deepEqual([await of(''), await of('?model=cells'), await of('?model=one')], ['one', 'cells', 'one']);
  const listed = (await (await fetch(`${url}/models`)).json()) as {models: {name: string; classes: string[]}[]};
  t.deepEqual(
    listed.models.map(({name, classes}) => [name, classes]),
    ['one', 'cells'].map((name) => [name, [...weights.model.classes]]),
  );
  await t.throwsAsync(serve([weights.file, weights.file], {port: 0}), {
    code: 'INVALID_OPTION',
    message: /two networks/,
  });
});

test('a port that is taken, and options that are not right', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.teardown(() => other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const {port} = other.address() as AddressInfo;
  await t.throwsAsync(serve(weights.file, {port}), {
    code: 'INVALID_OPTION',
    message:
      `serve() cannot listen on 127.0.0.1, port ${port}: another program listens there.\n` +
      "Choose another one with option 'port' or option 'host'.",
  });
  await t.throwsAsync(serve([]), {code: 'INVALID_OPTION'});
  await t.throwsAsync(serve(weights.file, {queue: -1}), {code: 'INVALID_OPTION', message: /'queue' of serve\(\)/});
  await t.throwsAsync(serve('nowhere.pth', {port: 0}), {code: 'INVALID_OPTION'});
});

onLinux('the event loop runs on while images are read, computed and drawn', async (t) => {
  const {url} = await started(t, weights.file);
  const [width, height] = [3000, 2000];
  const data = Uint8Array.from({length: width * height * 3}, (_, i) => ((i >> 5) * 37) % 256);
  const body = new Uint8Array(await png({data, width, height}));
  for (const format of ['json', 'geojson', 'csv', 'overlay', 'labels']) {
    await requireFree(t, format, async () => {
      const response = await post(`${url}/predict?format=${format}&scoreThreshold=0.05`, body);
      await response.arrayBuffer();
      t.is(response.status, 200, format);
    });
  }
});
