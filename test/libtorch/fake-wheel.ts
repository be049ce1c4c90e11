import {randomBytes} from 'node:crypto';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createServer, type IncomingMessage} from 'node:http';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {crc32, deflateRawSync} from 'node:zlib';
import type {ExecutionContext} from 'ava';
import {createProgress, type Progress} from '../../lib/basics/progress.js';
import {sharedLibrary} from '../../lib/libtorch/layout.js';

/** Random bytes do not compress, so the download is large enough to be interrupted. */
const large = randomBytes(3_000_000);

/** A zip of compressed files. */
export function makeZip(files: Record<string, string | Buffer>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, content] of Object.entries(files)) {
    const name = Buffer.from(path);
    const raw = Buffer.from(content);
    const data = deflateRawSync(raw);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0); // version needed
    fields.writeUInt16LE(8, 4); // deflate
    fields.writeUInt32LE(crc32(raw), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(raw.length, 18);
    fields.writeUInt16LE(name.length, 22);
    parts.push(Buffer.from('PK\x03\x04'), fields, name, data);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, rest, name);
    offset += 4 + fields.length + name.length + data.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(Object.keys(files).length, 4);
  end.writeUInt16LE(Object.keys(files).length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06'), end]);
}

/** The relevant files of a torch wheel, and some files that setup leaves out. */
export function torchFiles(version = '2.13.0+cpu', metadata = ''): Record<string, string | Buffer> {
  return {
    'torch/version.py': `__version__ = '${version}'\ncuda = None\n`,
    [`torch/lib/${sharedLibrary('c10')}`]: 'c10',
    [`torch/lib/${sharedLibrary('torch_cpu')}`]: large,
    'torch/lib/libgomp.so.1': 'gomp',
    [`torch/lib/${sharedLibrary('torch_python')}`]: 'python',
    [`torch/lib/${sharedLibrary('shm')}`]: 'shm',
    'torch/lib/libshm/libshm.h': 'shm',
    'torch/include/ATen/ATen.h': '#pragma once\n',
    'torch/nn/modules/conv.py': 'pass',
    [`torch-${version}.dist-info/METADATA`]: `Metadata-Version: 2.1\nName: torch\n${metadata}`,
  };
}

/** The name of a wheel for this machine. */
export function wheelName(name: string, version: string): string {
  const machine = {x64: 'x86_64', arm64: process.platform === 'linux' ? 'aarch64' : 'arm64'}[process.arch as 'x64'];
  const tag = {
    linux: `manylinux_2_28_${machine}`,
    darwin: `macosx_11_0_${machine}`,
    win32: process.arch === 'x64' ? 'win_amd64' : 'win_arm64',
  }[process.platform as 'linux'];
  return `${name}-${version}-cp312-cp312-${tag}.whl`;
}

export function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'maskrcnn-test-'));
  t.teardown(() => rmSync(folder, {recursive: true, force: true}));
  return folder;
}

/** A progress display that records what was shown. */
export function recordedProgress(): {progress: Progress; text: () => string} {
  let text = '';
  const progress = createProgress({stream: {write: (chunk) => (text += chunk)}});
  return {progress, text: () => text};
}

export type FakeServer = {url: string; requests: IncomingMessage[]};

/**
 * Serves `files` by path, with range requests and ETags. While `cutAfter` is set, a response breaks off after that many
 * bytes.
 */
export async function serve(
  t: ExecutionContext,
  files: Record<string, string | Buffer>,
  behaviour: {cutAfter?: number | undefined} = {},
): Promise<FakeServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    const content = files[decodeURIComponent(request.url!)];
    if (content === undefined) {
      response.writeHead(404).end();
      return;
    }
    const whole = Buffer.from(content);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const body = whole.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': body.length,
      etag: `"${crc32(whole)}"`,
      ...(from > 0 && {'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}`}),
    });
    if (behaviour.cutAfter === undefined || body.length <= behaviour.cutAfter) response.end(body);
    else response.write(body.subarray(0, behaviour.cutAfter), () => setTimeout(() => response.destroy(), 50));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return {url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests};
}

/** A fake Python: a command that runs the JavaScript `program`. */
export function fakePython(folder: string, program: string): string {
  const path = join(folder, 'python3');
  writeFileSync(path, `#!${process.execPath}\n${program}\n`, {mode: 0o755});
  return path;
}
