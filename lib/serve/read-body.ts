import {Buffer} from 'node:buffer';
import {inTurns, Turn} from '../basics/turns.js';
import {Problem} from './problem.js';

/** Pieces of a body that are put together between two looks at the clock: of 64 kB each, as Node.js reads them. */
const PIECES = 16;

/**
 * All bytes of a body, or of a file of a form. If its `length` is known, its memory is filled as it comes, and
 * otherwise in turns: putting a large body together at once would hold the event loop. Throws `tooLarge()` for more
 * than `most` bytes, and BAD_REQUEST for a body that ends early.
 */
export async function readBody(
  body: AsyncIterable<Uint8Array>,
  {length, most, tooLarge}: {length?: number | undefined; most: number; tooLarge: () => Problem},
): Promise<Buffer> {
  if (length !== undefined && length > most) throw tooLarge();
  const pieces: Uint8Array[] = [];
  const whole = length === undefined ? undefined : Buffer.allocUnsafeSlow(length);
  let total = 0;
  try {
    for await (const piece of body) {
      if (total + piece.length > (length ?? most)) throw tooLarge();
      if (whole === undefined) pieces.push(piece);
      else whole.set(piece, total);
      total += piece.length;
    }
  } catch (error) {
    throw error instanceof Problem ? error : endsEarly(error);
  }
  if (whole !== undefined) {
    if (total < whole.length) throw endsEarly();
    return whole;
  }
  const joined = Buffer.allocUnsafeSlow(total);
  let at = 0;
  await inTurns(
    pieces.length,
    (from, to) => {
      for (const piece of pieces.slice(from, to)) {
        joined.set(piece, at);
        at += piece.length;
      }
    },
    new Turn(),
    PIECES,
  );
  return joined;
}

function endsEarly(cause?: unknown): Problem {
  const problem = new Problem(400, 'BAD_REQUEST', 'The body of the request ends early.');
  problem.cause = cause;
  return problem;
}
