import type {IncomingMessage} from 'node:http';
import type {Socket} from 'node:net';
import multipart from '@fastify/multipart';
import fastify, {type FastifyInstance, type FastifyReply, type FastifyRequest} from 'fastify';
import {Admission} from './admission.js';
import {answerHalfClosed, noticeGone} from './client-gone.js';
import {addLabelStudioRoutes} from './label-studio-routes.js';
import {LateSenders} from './late-senders.js';
import {openApi} from './openapi.js';
import type {Limits} from './options.js';
import type {AppParts} from './parts.js';
import {addPredictionRoutes} from './prediction-routes.js';
import {internal, Problem, problemOf} from './problem.js';
import {rawAnswer} from './raw-answer.js';
import {readBody} from './read-body.js';
import {isLoopback, requireLoopbackName, requireOwnOrigin, requireToken} from './token.js';
import {bodyTooLarge} from './uploads.js';

/** A request that has not sent its headers and body by then is ended. Slow senders would hold memory. */
const RECEIVE_MS = 60_000;
const MOST_CONNECTIONS = 1024;
/** Nginx's name for a request whose client has gone. Nobody sees it but the metrics. */
const CLIENT_GONE = 499;

/** Nothing from elsewhere, no inline script, no frames. The page makes bitmaps and downloads of its own. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; " +
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** The server's routes, with the checks before them and the answers to errors. */
export async function createApp(parts: AppParts): Promise<FastifyInstance> {
  const {limits, onNotice} = parts;
  const app = fastify({
    bodyLimit: limits.maxMegabytes * 1e6,
    requestTimeout: RECEIVE_MS,
    forceCloseConnections: 'idle',
    // Ours has a code, and health checks may have none.
    http: {requireHostHeader: false},
    return503OnClosing: false, // ours has a code
    clientErrorHandler: (error, socket) => refuseGarbage(error, socket),
    frameworkErrors: (error, _request, reply) => send(reply as FastifyReply, problemOf(error) ?? internal()),
  });
  app.server.on('checkExpectation', (_request, response) => {
    const problem = new Problem(417, 'BAD_REQUEST', "The server meets no expectation but '100-continue'.");
    response.writeHead(problem.status, {'content-type': 'application/json; charset=utf-8'});
    response.end(JSON.stringify(problem));
  });
  app.server.maxConnections = MOST_CONNECTIONS;
  answerHalfClosed(app.server);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async ({headers}: FastifyRequest, body: IncomingMessage) => {
    const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
    const most = limits.maxMegabytes * 1e6;
    return readBody(body, {length, most, tooLarge: () => bodyTooLarge(limits.maxMegabytes)});
  });
  await app.register(multipart);
  app.decorateRequest('gone');
  const late = new LateSenders(app.server);
  app.addHook('preClose', async () => late.end(send));
  app.addHook('onClose', async () => late.stop());
  addChecks(app, parts, late);
  app.setErrorHandler((error, _request, reply) => {
    const problem = problemOf(error);
    if (problem === undefined) onNotice(String((error as Error).stack ?? error));
    return send(reply, problem ?? internal());
  });
  app.setNotFoundHandler((request, reply) => send(reply, notFound(app, request)));
  addPredictionRoutes(app, parts);
  addLabelStudioRoutes(app, parts);
  addInformationRoutes(app, parts);
  return app;
}

function addChecks(
  app: FastifyInstance,
  {host, token, queue, metrics, limits, isClosing}: AppParts,
  late: LateSenders,
): void {
  const admission = new Admission(limits);
  app.addHook('onRequest', async (request, reply) => {
    const began = performance.now();
    const gone = new AbortController();
    request.gone = gone.signal;
    const {isGuarded = false, isWork = false, isPatient = false} = request.routeOptions.config;
    const wait = isPatient ? undefined : 1000 * limits.timeoutSeconds;
    const timer = wait && setTimeout(() => gone.abort(timeout(limits)), wait);
    let release = () => {};
    reply.raw.once('close', () => {
      clearTimeout(timer);
      release();
      const isAnswered = reply.raw.writableFinished;
      if (!isAnswered) gone.abort(new Problem(CLIENT_GONE, 'BAD_REQUEST', 'The client has gone.'));
      const route = request.routeOptions.url ?? 'none';
      metrics.requests.inc({route, status: isAnswered ? reply.statusCode : CLIENT_GONE});
      metrics.requestSeconds.observe({route}, (performance.now() - began) / 1000);
    });
    noticeGone(request, reply.raw);
    late.notice(request, reply);
    reply.headers(HEADERS);
    if (token === undefined && isLoopback(host)) requireLoopbackName(request.headers.host);
    if (token !== undefined && isGuarded) requireToken(request.headers.authorization, token);
    if (!isWork) return;
    if (token === undefined && isLoopback(host)) requireOwnOrigin(request.headers.origin, request.headers.host);
    if (isClosing()) throw shuttingDown();
    const {'content-encoding': encoding = 'identity'} = request.headers;
    if (encoding !== 'identity') {
      throw new Problem(415, 'UNSUPPORTED_ENCODING', 'The body of the request must not be compressed as a whole.');
    }
    queue.requireRoom();
    release = admission.admit(request.headers);
  });
  app.addHook('onSend', async (request, reply) => {
    if (isClosing()) reply.header('connection', 'close');
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
    // What is left of a body that was refused is not read: the connection is of no use any more.
    if (reply.statusCode >= 400 && !request.raw.complete) reply.header('connection', 'close');
  });
}

function addInformationRoutes(app: FastifyInstance, parts: AppParts): void {
  const {models, queue, metrics, limits, page, token, version, isClosing} = parts;
  app.get('/health', async () => ({status: 'ok'}));
  app.get('/ready', async () => {
    if (isClosing()) throw shuttingDown();
    queue.requireRoom();
    return {status: 'ready', models: [...models.keys()]};
  });
  app.get('/models', {config: {isGuarded: true}}, async () => ({
    models: Array.from(models.values(), ({name, version: ofWeights, model}) => ({
      name,
      version: ofWeights,
      classes: model.classes,
      scoreThreshold: model.options.boxScoreThresh,
      masks: model.options.masks !== 'none',
    })),
  }));
  app.get('/metrics', {config: {isGuarded: true}}, async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  const document = openApi({version, limits, token: token !== undefined});
  app.get('/openapi.json', async () => document);
  for (const [path, {type, content}] of page) {
    app.get(path, async (_request, reply) => reply.type(type).header('cache-control', 'no-cache').send(content));
  }
}

function send(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).headers(problem.headers).type('application/json').send(problem.toJSON());
}

function timeout({timeoutSeconds}: Limits): Problem {
  return new Problem(504, 'TIMEOUT', `The request was not done within ${timeoutSeconds} s.`);
}

function shuttingDown(): Problem {
  return new Problem(503, 'SHUTTING_DOWN', 'The server is ending and takes no more requests.', {
    headers: {'retry-after': '10'},
  });
}

/** Tells a path that is not there from a method that it does not have. */
function notFound(app: FastifyInstance, request: FastifyRequest): Problem {
  const [url = '/'] = request.url.split('?');
  const methods = (['GET', 'POST'] as const).filter((method) => app.hasRoute({method, url}));
  if (methods.length === 0) {
    return new Problem(404, 'NOT_FOUND', 'There is nothing at this address.', {hint: 'See /openapi.json.'});
  }
  return new Problem(405, 'METHOD_NOT_ALLOWED', `${url} takes ${methods.join(' and ')} only.`, {
    headers: {allow: methods.join(', ')},
  });
}

const GARBAGE: Readonly<Record<string, [status: number, sentence: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The address and headers of the request are too long.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, `The request was not sent within ${RECEIVE_MS / 1000} s.`],
};

/** Answers to what is not HTTP, and to headers that are too long or too slow, before there is a request. */
function refuseGarbage(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, sentence] = GARBAGE[error.code ?? ''] ?? [400, 'The request cannot be read as HTTP.'];
  socket.end(rawAnswer(new Problem(status, 'BAD_REQUEST', sentence)));
}
