import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {extname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};

export type ServedPage = {
  url: string;
  /** The method and the path of each request. */
  requests: string[];
  close: () => void;
};

/** Serves the page of examples/browser as its README sets it up, with the models of `folder`. */
export async function servePage(folder: string): Promise<ServedPage> {
  const requests: string[] = [];
  const {outputFiles} = await build({
    ...{entryPoints: [join(ROOT, 'lib/onnx-runtime/index.ts')], bundle: true, format: 'esm', platform: 'browser'},
    write: false,
  });
  const server = createServer(async ({url, method}, response) => {
    const path = new URL(url!, 'http://localhost').pathname;
    requests.push(`${method} ${path}`);
    try {
      const file = path.startsWith('/ort/')
        ? join(ROOT, 'node_modules/onnxruntime-web/dist', path.slice(5))
        : join(path.endsWith('.onnx') ? folder : join(ROOT, 'examples/browser'), path === '/' ? 'index.html' : path);
      const isRuntime = path === '/maskrcnn/onnx-runtime/index.js';
      const content = isRuntime ? outputFiles[0]!.contents : await readFile(file);
      response.writeHead(200, {
        'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
        'content-length': content.length,
        etag: '"1"',
      });
      response.end(method === 'HEAD' ? undefined : content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
