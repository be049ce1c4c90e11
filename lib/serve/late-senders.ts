import type {Server} from 'node:http';
import type {Socket} from 'node:net';
import type {FastifyReply, FastifyRequest} from 'fastify';
import {Problem} from './problem.js';
import {rawAnswer} from './raw-answer.js';

/** How long a server that ends waits for requests that were only sent in part, in milliseconds. */
const GRACE_MS = 5000;

/** Tells the requests that have come as a whole, which a server that ends still answers, from all others. */
export class LateSenders {
  readonly #connections = new Set<Socket>();
  readonly #open = new Map<FastifyReply, FastifyRequest>();
  #timer: NodeJS.Timeout | undefined;

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
    });
  }

  /** Notices a request, of which the headers are there, until it is answered. */
  notice(request: FastifyRequest, reply: FastifyReply): void {
    this.#open.set(reply, request);
    reply.raw.once('close', () => this.#open.delete(reply));
  }

  /** Waits for what is being sent, and then refuses what has not come as a whole: by `refuse` if its headers have. */
  end(refuse: (reply: FastifyReply, problem: Problem) => void): void {
    this.#timer = setTimeout(() => {
      const problem = new Problem(
        503,
        'SHUTTING_DOWN',
        'The server is ending, and the request has not come as a whole.',
      );
      const answered = new Set<Socket>();
      for (const [reply, request] of this.#open) {
        answered.add(request.raw.socket);
        if (!request.raw.complete && !reply.sent) refuse(reply, problem);
      }
      for (const socket of this.#connections) {
        if (!answered.has(socket)) socket.end(rawAnswer(problem), () => socket.destroy());
      }
    }, GRACE_MS);
  }

  /** Stops waiting. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}
