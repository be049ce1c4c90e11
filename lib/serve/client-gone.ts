import type {Server, ServerResponse} from 'node:http';
import type {FastifyRequest} from 'fastify';

/** The first and the longest time between two looks at whether a client is still there, in milliseconds. */
const FIRST_LOOK = 100;
const LONGEST_LOOK = 5000;

/**
 * Lets a server answer to clients that have ended their side of the connection, as `nc -N` does after the request.
 * Otherwise Node.js would close the connection at once.
 */
export function answerHalfClosed(server: Server): void {
  (server as Server & {httpAllowHalfOpen: boolean}).httpAllowHalfOpen = true;
}

/**
 * TCP does not tell a client that has ended its side from one that has gone, until something is sent. So as soon as a
 * side has ended, interim answers are sent (102, which HTTP lets clients skip). To those, the machine of a client that
 * has gone answers with a reset, which closes the connection. HTTP/1.0 has no interim answers: there, only the answer
 * itself tells.
 */
export function noticeGone({raw: {socket, httpVersion}}: FastifyRequest, response: ServerResponse): void {
  let timer: NodeJS.Timeout | undefined;
  const look = (next: number) => {
    if (response.headersSent || response.destroyed || httpVersion === '1.0') return;
    response.writeProcessing();
    timer = setTimeout(look, next, Math.min(2 * next, LONGEST_LOOK));
  };
  const ended = () => look(FIRST_LOOK);
  if (socket.readableEnded) ended();
  else socket.once('end', ended);
  response.once('close', () => {
    clearTimeout(timer);
    socket.off('end', ended);
  });
}
