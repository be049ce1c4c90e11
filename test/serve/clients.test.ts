import {connect, type Socket} from 'node:net';
import test from 'ava';
import {cells, formulaWeights, metric, png, started, until, type Weights} from './started.js';

let weights: Weights;
let small: Buffer;
/** Takes long enough to be caught at it: hundreds of tiles. */
let slow: Buffer;
test.before(async () => {
  weights = await formulaWeights();
  small = await png(cells);
  const side = 1000;
  slow = await png({
    data: Uint8Array.from({length: side * side * 3}, (_, i) => (i * 7) % 251),
    width: side,
    height: side,
  });
});
test.after.always(() => weights.remove());

const PREDICT = 'POST /predict HTTP/1.1\r\nhost: localhost\r\n';
const SLOW = 'POST /predict?tiles=64&overlap=16&scoreThreshold=0.99 HTTP/1.1\r\nhost: localhost\r\n';

/** A client that sends a request and ends its side of the connection; it does not close it before the server does. */
function halfClosing(
  url: string,
  head: string,
  body: Buffer = Buffer.alloc(0),
): {socket: Socket; answer: Promise<string>} {
  const {hostname, port} = new URL(url);
  const socket = connect({port: Number(port), host: hostname, allowHalfOpen: true});
  const answer = new Promise<string>((resolve, reject) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (part) => (text += part));
    socket.on('end', () => resolve(text)).on('error', reject);
  });
  socket.write(`${head}content-length: ${body.length}\r\n\r\n`);
  socket.end(body);
  return {socket, answer};
}

test('a client that has ended its side gets its answer', async (t) => {
  const {url} = await started(t, weights.file);
  t.regex(await halfClosing(url, 'GET /health HTTP/1.1\r\nhost: localhost\r\n').answer, /HTTP\/1\.1 200 OK.*"ok"/s);
  const answer = await halfClosing(url, PREDICT, small).answer;
  t.regex(answer, /HTTP\/1\.1 200 OK\r\n.*\{"model":"cells"/s);
  // What comes before is what HTTP lets a client skip.
  t.regex(answer, /^(HTTP\/1\.1 102 Processing\r\n\r\n)*HTTP\/1\.1 200 OK\r\n/);
  t.regex(await halfClosing(url, PREDICT, Buffer.from('no image')).answer, /HTTP\/1\.1 422 /);
  const old = await halfClosing(url, 'POST /predict HTTP/1.0\r\n', small).answer;
  t.regex(old, /^HTTP\/1\.1 200 OK\r\n/);
  t.is(await metric(url, 'maskrcnn_requests_total{route="/predict",status="499"}'), 0);
});

test('a client that has ended its side and then goes is given up', async (t) => {
  const {url} = await started(t, weights.file);
  const {socket, answer} = halfClosing(url, SLOW, slow);
  answer.catch(() => {});
  await until(async () => (await metric(url, 'maskrcnn_queue_running')) === 1);
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.is(await metric(url, 'maskrcnn_queue_running'), 1);
  socket.destroy();
  await until(async () => (await metric(url, 'maskrcnn_queue_running')) === 0);
  t.is(await metric(url, 'maskrcnn_requests_total{route="/predict",status="499"}'), 1);
  t.is(await metric(url, 'maskrcnn_images_total'), 0);
});

test('a client that closes its connection is given up', async (t) => {
  const {url} = await started(t, weights.file);
  const {hostname, port} = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`${SLOW}content-length: ${slow.length}\r\n\r\n`);
  socket.write(slow);
  await until(async () => (await metric(url, 'maskrcnn_queue_running')) === 1);
  socket.end(); // what was sent is read, so there is no reset
  socket.destroySoon();
  await until(async () => (await metric(url, 'maskrcnn_queue_running')) === 0);
  t.is(await metric(url, 'maskrcnn_requests_total{route="/predict",status="499"}'), 1);
});

test('a body that ends early is no request', async (t) => {
  const {url} = await started(t, weights.file);
  const {hostname, port} = new URL(url);
  const socket = connect({port: Number(port), host: hostname, allowHalfOpen: true});
  const text = new Promise<string>((resolve) => {
    let answer = '';
    socket.setEncoding('utf8').on('data', (part) => (answer += part));
    socket.on('close', () => resolve(answer));
  });
  socket.end(`${PREDICT}content-length: 100\r\n\r\nshort`);
  t.regex(await text, /^(HTTP\/1\.1 102 Processing\r\n\r\n)*HTTP\/1\.1 400 /);
  t.is((await fetch(`${url}/health`)).status, 200);
});
