import type {AddressInfo} from 'node:net';
import type {FastifyInstance} from 'fastify';
import {MaskRcnnError} from '../basics/errors.js';
import {packageVersion} from '../basics/package-version.js';
import {callback, checkOptions, listOf, required, text} from '../basics/schema.js';
import {removeAbandonedFolders} from '../files/temporary-folder.js';
import {MODEL_OPTIONS} from '../model/check-options.js';
import {openModels} from './models.js';
import {DEFAULT_LIMITS, type Limits, SERVE_OPTIONS, type ServeOptions, signalRule} from './options.js';
import {readPageFiles} from './page-files.js';
import type {AppParts} from './parts.js';
import {isLoopback} from './token.js';
import {WorkQueue} from './work-queue.js';

/**
 * Requests that are worked on together: one is decoded and one answered while the third computes, so that the network
 * never waits.
 */
const AT_A_TIME = 3;

/** A server of predictions that is running. */
export type PredictionServer = {
  /** Where it listens, such as 'http://127.0.0.1:8080'. */
  readonly url: string;
  /** The names of its models. */
  readonly models: readonly string[];
  /**
   * Refuses new requests, finishes those that it has, and frees the networks. A request that has not come as a whole
   * within 5 seconds is refused, too.
   */
  close(): Promise<void>;
  /** Calls `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
};

/**
 * Serves networks over HTTP: `POST /predict` with an image, `GET /` for a page, and more; see the guide "A server".
 * `weights` are files, folders of runs or names of registered weights, each perhaps with a name: `cells=runs/cells`.
 * Resolves when the server listens. The event loop is not held: images are decoded, computed and drawn beside it or in
 * turns.
 *
 * Throws INVALID_OPTION, also for an address that others reach without a token and for a port that is taken; errors of
 * `maskRcnn()`.
 */
export async function serve(
  weights: string | readonly string[],
  options: ServeOptions = {},
): Promise<PredictionServer> {
  const given = [weights].flat();
  checkOptions({weights: given}, {weights: required(listOf(text, {min: 1}))}, 'serve()');
  const {device, precision, threads} = MODEL_OPTIONS;
  const schema = {...SERVE_OPTIONS, device: device!, precision: precision!, threads: threads!};
  checkOptions(options, {...schema, onNotice: callback, signal: signalRule}, 'serve()');
  const {host = '127.0.0.1', port = 8080, token, noToken = false, onNotice = () => {}, signal} = options;
  requireSafe({host, token, noToken});
  const labelStudio = labelStudioOf(options);
  const limits = limitsOf(options);

  await removeAbandonedFolders();
  const page = await readPageFiles();
  const models = await openModels(given, options);
  const dispose = () => {
    for (const {model} of models.values()) model.dispose();
  };
  const queue = new WorkQueue({atATime: AT_A_TIME, most: limits.queue, mostSeconds: limits.timeoutSeconds});
  let closing: Promise<void> | undefined;
  const parts = {
    ...{models, queue, limits, page, host, token, labelStudio, onNotice},
    version: packageVersion(),
    isClosing: () => closing !== undefined,
  };
  const app = await startApp(parts).catch((error: unknown) => {
    dispose();
    throw error;
  });
  const close = () => {
    closing ??= app.close().then(dispose);
    return closing;
  };
  try {
    signal?.throwIfAborted();
    await app.listen({host, port});
  } catch (cause) {
    await close();
    signal?.throwIfAborted();
    throw cannotListen(cause, host, port);
  }
  const {port: actual} = app.server.address() as AddressInfo;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${actual}`;
  return {url, models: [...models.keys()], close, [Symbol.asyncDispose]: close};
}

/** Only those who serve wait for the libraries that do it. */
async function startApp(parts: Omit<AppParts, 'metrics'>): Promise<FastifyInstance> {
  const [{createApp}, {Metrics}] = await Promise.all([import('./app.js'), import('./metrics.js')]);
  return createApp({...parts, metrics: new Metrics(parts.queue)});
}

/** Throws INVALID_OPTION for a server that anybody could use without having been meant to. */
function requireSafe({host, token, noToken}: {host: string; token: string | undefined; noToken: boolean}): void {
  if (token !== undefined && noToken) {
    throw new MaskRcnnError('INVALID_OPTION', "serve() takes either 'token' or 'noToken', got both.");
  }
  if (token !== undefined || noToken || isLoopback(host)) return;
  throw new MaskRcnnError('INVALID_OPTION', `serve() needs a token to listen on ${host}, which others can reach.`, {
    hint: "Set option 'token', or option 'noToken' if whoever reaches the address may use it.",
  });
}

/** Throws INVALID_OPTION for a key without an address. */
function labelStudioOf({labelStudio: url, labelStudioKey: apiKey}: ServeOptions): AppParts['labelStudio'] {
  if (url !== undefined) return {url, apiKey};
  if (apiKey === undefined) return undefined;
  throw new MaskRcnnError('INVALID_OPTION', "Option 'labelStudioKey' of serve() needs option 'labelStudio'.");
}

function limitsOf(options: ServeOptions): Limits {
  const names = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[];
  return Object.fromEntries(names.map((name) => [name, options[name] ?? DEFAULT_LIMITS[name]])) as Limits;
}

function cannotListen(cause: unknown, host: string, port: number): MaskRcnnError {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another program listens there',
    EACCES: 'this user may not',
    EADDRNOTAVAIL: 'this machine has no such address',
    ENOTFOUND: 'no such name is known',
  };
  const {code = '', message} = cause as NodeJS.ErrnoException;
  const reason = reasons[code] ?? message;
  return new MaskRcnnError('INVALID_OPTION', `serve() cannot listen on ${host}, port ${port}: ${reason}.`, {
    hint: "Choose another one with option 'port' or option 'host'.",
    cause,
  });
}
