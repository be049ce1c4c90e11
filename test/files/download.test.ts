import {createHash} from 'node:crypto';
import {mkdtemp, readdir, readFile, rm, utimes, writeFile} from 'node:fs/promises';
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {hostname, tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {download} from '../../lib/files/download.js';

const body = Buffer.from(Array.from({length: 300_000}, (_, i) => (i * 7 + (i >> 8)) & 255));
const sha256 = createHash('sha256').update(body).digest('hex');

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(t: ExecutionContext, handler: Handler): Promise<string> {
  const server: Server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`;
}

async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-download-'));
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  return folder;
}

const sendRange: Handler = (request, response) => {
  const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (from >= body.length) response.writeHead(416, {'content-range': `bytes */${body.length}`}).end();
  else if (from > 0) {
    response.writeHead(206, {
      'content-range': `bytes ${from}-${body.length - 1}/${body.length}`,
      'content-length': body.length - from,
      etag: '"a"',
    });
    response.end(body.subarray(from));
  } else response.writeHead(200, {'content-length': body.length, etag: '"a"'}).end(body);
};

test('a file arrives whole, with progress and without leftovers', async (t) => {
  const folder = await temporaryFolder(t);
  const url = await serve(t, sendRange);
  const seen: number[] = [];
  await download(url, join(folder, 'deep', 'file.bin'), {
    sha256: sha256.slice(0, 8),
    onProgress: ({receivedBytes, totalBytes}) => {
      t.is(totalBytes, body.length);
      seen.push(receivedBytes);
    },
  });
  t.deepEqual(await readFile(join(folder, 'deep', 'file.bin')), body);
  t.deepEqual(await readdir(join(folder, 'deep')), ['file.bin']);
  t.is(seen[0], 0);
  t.is(seen.at(-1), body.length);
});

test('a connection that breaks is taken up again where it ended', async (t) => {
  const folder = await temporaryFolder(t);
  const ranges: (string | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    ranges.push(request.headers.range);
    if (ranges.length > 1) return sendRange(request, response);
    response.writeHead(200, {'content-length': body.length, etag: '"a"'});
    response.write(body.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
  });
  await download(url, join(folder, 'file.bin'));
  t.deepEqual(await readFile(join(folder, 'file.bin')), body);
  t.deepEqual(ranges, [undefined, 'bytes=100000-']);
});

test('bytes of an earlier process are kept, and thrown away once if they spoil the digest', async (t) => {
  const folder = await temporaryFolder(t);
  const ranges: (string | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    ranges.push(request.headers.range);
    sendRange(request, response);
  });
  const target = join(folder, 'file.bin');
  await writeFile(`${target}.part.json`, JSON.stringify({url, validator: null}));
  await writeFile(`${target}.part`, body.subarray(0, 5000));
  await download(url, target, {sha256});
  t.deepEqual(await readFile(target), body);

  await rm(target);
  await writeFile(`${target}.part.json`, JSON.stringify({url, validator: null}));
  await writeFile(`${target}.part`, Buffer.alloc(5000));
  await download(url, target, {sha256});
  t.deepEqual(await readFile(target), body);
  t.deepEqual(ranges, ['bytes=5000-', 'bytes=5000-', undefined]);
});

test('another content than announced leaves nothing behind', async (t) => {
  const folder = await temporaryFolder(t);
  const url = await serve(t, sendRange);
  await t.throwsAsync(download(url, join(folder, 'file.bin'), {sha256: 'bf2d0c1e'}), {
    code: 'CHECKSUM_MISMATCH',
    message: new RegExp(`should have a SHA-256 that starts with bf2d0c1e, but what arrived has ${sha256}`),
  });
  t.deepEqual(await readdir(folder), []);
});

test('a refusal is not retried and names the address', async (t) => {
  const folder = await temporaryFolder(t);
  let requests = 0;
  const url = await serve(t, (_request, response) => {
    requests++;
    response.writeHead(404).end();
  });
  await t.throwsAsync(download(url, join(folder, 'file.bin')), {
    code: 'DOWNLOAD_FAILED',
    message: /file\.bin could not be downloaded: the server answered 404 Not Found\.\nCheck the network, or fetch/,
  });
  t.is(requests, 1);
});

test('an abort rejects with its reason and keeps the part for the next time', async (t) => {
  const folder = await temporaryFolder(t);
  const url = await serve(t, (_request, response) => {
    response.writeHead(200, {'content-length': body.length});
    response.write(body.subarray(0, 1000));
  });
  const controller = new AbortController();
  const reason = new Error('enough');
  const onProgress = ({receivedBytes}: {receivedBytes: number}) => receivedBytes > 0 && controller.abort(reason);
  const error = await t.throwsAsync(download(url, join(folder, 'file.bin'), {signal: controller.signal, onProgress}));
  t.is(error, reason);
  t.deepEqual((await readdir(folder)).sort(), ['file.bin.part', 'file.bin.part.json']);
});

test('an abort between two attempts rejects with its reason', async (t) => {
  const folder = await temporaryFolder(t);
  const controller = new AbortController();
  const reason = new Error('enough');
  const url = await serve(t, (_request, response) => {
    response.writeHead(503).end();
    setTimeout(() => controller.abort(reason), 200); // the next attempt comes after 500 ms
  });
  const error = await t.throwsAsync(download(url, join(folder, 'file.bin'), {signal: controller.signal}));
  t.is(error, reason);
});

test('downloads of one target at the same time fetch it once', async (t) => {
  const folder = await temporaryFolder(t);
  let requests = 0;
  const url = await serve(t, (request, response) => {
    requests++;
    setTimeout(() => sendRange(request, response), 100);
  });
  const target = join(folder, 'file.bin');
  await Promise.all([download(url, target), download(url, target, {sha256}), download(url, target)]);
  t.is(requests, 1);
  t.deepEqual(await readFile(target), body);
});

test('the lock of a process that has died is taken over', async (t) => {
  const folder = await temporaryFolder(t);
  const url = await serve(t, sendRange);
  const target = join(folder, 'file.bin');
  // The largest process id is 2^22 on Linux and lower elsewhere, so no process has this id.
  await writeFile(`${target}.lock`, `99999999 ${hostname()}`);
  await download(url, target);
  await rm(target);
  await writeFile(`${target}.lock`, '1 another-machine');
  await utimes(`${target}.lock`, new Date(0), new Date(0));
  await download(url, target);
  t.deepEqual(await readdir(folder), ['file.bin']);
});
