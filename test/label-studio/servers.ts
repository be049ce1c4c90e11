import {createServer, type IncomingMessage, type RequestListener, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import type {ExecutionContext} from 'ava';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import type {LabelStudioBackend} from '../../lib/label-studio/backend.js';

/** Starts a server on this machine, and closes it after the test. Resolves to its address. */
export async function serve(t: Pick<ExecutionContext, 'teardown'>, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The routes of the ML-backend protocol. Errors are sent as Label Studio's own SDK sends them. */
export function mounted(backend: LabelStudioBackend): RequestListener {
  return async (request, response) => {
    try {
      send(response, 200, await answer(backend, request, response));
    } catch (error) {
      send(response, error instanceof MaskRcnnError ? 400 : 500, {error: (error as Error).message});
    }
  };
}

async function answer(
  backend: LabelStudioBackend,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<object> {
  const gone = new AbortController();
  response.on('close', () => gone.abort(new Error('the client has gone')));
  const text = Buffer.concat(await request.toArray()).toString();
  const body: unknown = text === '' ? undefined : JSON.parse(text);
  switch (request.url) {
    case '/':
    case '/health':
      return backend.health();
    case '/setup':
      return backend.setup(body);
    case '/predict':
      return backend.predict(body, gone.signal);
    case '/webhook':
      return backend.webhook(body);
    default:
      return backend.versions();
  }
}

export function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {'content-type': 'application/json'}).end(JSON.stringify(body));
}
