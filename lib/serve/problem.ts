import {type ErrorCode, MaskRcnnError, sentenceOf} from '../basics/errors.js';

/** What a server refuses for, as stable codes. Those of `MaskRcnnError` are used too, for images and options. */
export type ProblemCode =
  | ErrorCode
  | 'BAD_REQUEST' // HTTP that cannot be read
  | 'UNAUTHORIZED' // no token, or another one
  | 'HOST_NOT_ALLOWED' // a name that is not of this machine, though there is no token
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'UNKNOWN_MODEL'
  | 'NOT_ACCEPTABLE' // no format of answers that `Accept` allows
  | 'NO_IMAGE' // a body without an image
  | 'UNSUPPORTED_ENCODING' // a body that is compressed as a whole
  | 'TOO_MANY_IMAGES'
  | 'TOO_MANY_PIXELS'
  | 'BODY_TOO_LARGE'
  | 'QUEUE_FULL' // try again after the seconds of Retry-After
  | 'TIMEOUT' // not done within the server's time for a request
  | 'SHUTTING_DOWN'
  | 'INTERNAL'; // a bug in this package

/** A refusal: the status of HTTP, a stable code, and one sentence. */
export class Problem extends Error {
  readonly status: number;
  readonly code: ProblemCode;
  readonly hint: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: ProblemCode,
    message: string,
    {hint, headers = {}}: {hint?: string | undefined; headers?: Record<string, string>} = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.headers = headers;
  }

  toJSON(): {status: number; code: ProblemCode; message: string; hint?: string} {
    const {status, code, message, hint} = this;
    return {status, code, message, ...(hint !== undefined && {hint})};
  }
}

/** The status of the errors of this package that a request can cause. All others are the server's fault. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  INVALID_OPTION: 400,
  INVALID_IMAGE: 422,
  DOWNLOAD_FAILED: 502, // an image that Label Studio was to give
  OUT_OF_MEMORY: 503,
};

/** Codes of what fastify and its parsers refuse, by status. */
const CODES: Record<number, ProblemCode> = {
  400: 'BAD_REQUEST',
  413: 'BODY_TOO_LARGE',
  414: 'BAD_REQUEST',
  431: 'BAD_REQUEST',
  503: 'SHUTTING_DOWN',
};

/** The refusal that an error means to whoever asked. Undefined for an error that is not theirs. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (error instanceof MaskRcnnError) {
    const status = STATUS[error.code];
    if (status === undefined) return undefined;
    const {code, hint} = error;
    return new Problem(status, code, inWordsOfRequest(sentenceOf(error)), {hint: hint && inWordsOfRequest(hint)});
  }
  const {statusCode, message} = error as {statusCode?: number; message?: string};
  if (statusCode === undefined || statusCode >= 500) return undefined;
  const sentence = (message ?? 'The request cannot be read').replace(/\.?$/, '.');
  return new Problem(statusCode, CODES[statusCode] ?? 'BAD_REQUEST', sentence);
}

/** The functions that the server calls for a request, as messages name them. */
const FUNCTIONS =
  /\b(?:predict\(\)'s 'tiles'|(?:openRegions|predictTiles|predict|readImage|measure|measureTiles)\(\))/g;

/** In one line, and with the request in place of the function that the server calls for it. */
function inWordsOfRequest(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').replaceAll(FUNCTIONS, 'POST /predict');
}

/** The refusal for errors that are not the asker's. They are told to the server's operator, with all details. */
export function internal(): Problem {
  return new Problem(500, 'INTERNAL', 'The server has failed to answer; its log says why.');
}

export function tooManyPixels(
  name: string,
  {width, height}: {width: number; height: number},
  most: number,
  {hint}: {hint?: string} = {},
): Problem {
  const message = `${name} must have at most ${most} megapixels, got ${width} × ${height}.`;
  return new Problem(413, 'TOO_MANY_PIXELS', message, {hint});
}
