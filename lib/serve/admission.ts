import type {IncomingHttpHeaders} from 'node:http';
import type {Limits} from './options.js';
import {Problem} from './problem.js';
import {bodyTooLarge} from './uploads.js';

/** How many bodies of the largest size may be in memory together. */
const BODIES = 8;

/** Lets bodies in before they are read, as long as all of them together fit into the memory that is meant for them. */
export class Admission {
  readonly #limits: Limits;
  #bytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /**
   * Reserves memory for the body of a request, until the returned function is called. A body that does not tell its
   * length counts as the largest. Throws BODY_TOO_LARGE and QUEUE_FULL.
   */
  admit(headers: IncomingHttpHeaders): () => void {
    const most = this.#limits.maxMegabytes * 1e6;
    const bytes = Number(headers['content-length'] ?? (headers['transfer-encoding'] === undefined ? 0 : most));
    if (bytes > most) throw bodyTooLarge(this.#limits.maxMegabytes);
    if (this.#bytes + bytes > BODIES * most) {
      throw new Problem(429, 'QUEUE_FULL', 'The images that are waiting fill the memory that is meant for them.', {
        hint: 'Try again in 1 s.',
        headers: {'retry-after': '1'},
      });
    }
    this.#bytes += bytes;
    let isHeld = true;
    return () => {
      if (isHeld) this.#bytes -= bytes;
      isHeld = false;
    };
  }
}
