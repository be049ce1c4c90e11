import {bool, instanceOf, integer, number, oneOf, type Schema, text} from '../basics/schema.js';
import {MAX_PIXELS} from '../image/format.js';
import type {ModelOptions} from '../model/options.js';

/** Options of `serve()`. Invalid options throw INVALID_OPTION. */
export type ServeOptions = {
  /**
   * The address to listen on. Default '127.0.0.1', which only this machine reaches. Any other needs `token` or
   * `noToken`.
   */
  host?: string;
  /** The port to listen on, 0 for any that is free. Default 8080. */
  port?: number;
  /** Whoever asks for predictions must send this: as a bearer token, or as the password of HTTP's basic scheme. */
  token?: string;
  /** Serves whoever reaches the address, without a token. */
  noToken?: boolean;
  /**
   * Number of requests that may wait for their turn. More are refused with 429 and Retry-After, and so are those that
   * would probably wait for longer than `timeoutSeconds`. Default 32.
   */
  queue?: number;
  /** Seconds after which a request is given up with 504, waiting included. Default 60. */
  timeoutSeconds?: number;
  /** Size of the largest body that is accepted, in MB (10^6 bytes). Default 64. */
  maxMegabytes?: number;
  /** Size of the largest image that is decoded as a whole, in megapixels (10^6), at most 268. Default 64. */
  maxMegapixels?: number;
  /**
   * Size of the largest image that is read in parts, in megapixels, where a request asks for tiles. Meanwhile its
   * pixels are on the disk, 3 bytes each, unless it is a TIFF. Default 256.
   */
  maxTiledMegapixels?: number;
  /** Number of images that a request may have. Default 16. */
  maxImages?: number;
  /** The score from which objects are returned, 0..1, where a request does not say. Default 0.5. */
  scoreThreshold?: number;
  /**
   * The address of Label Studio. With it, `/label-studio` is an ML backend, which fetches the images of tasks from this
   * address and from no other.
   */
  labelStudio?: string;
  /** The access token of a user of Label Studio: a legacy or a personal one. */
  labelStudioKey?: string;
  /** Where the models compute. As in `maskRcnn()`. */
  device?: ModelOptions['device'];
  precision?: ModelOptions['precision'];
  threads?: ModelOptions['threads'];
  /** Called with what happens that is not an answer, in a sentence: decisions about weights, errors within. */
  onNotice?: (notice: string) => void;
  /** Ends the start, if it is aborted before `serve()` resolves. */
  signal?: AbortSignal;
};

/** The limits of a server. */
export type Limits = Required<
  Pick<
    ServeOptions,
    | 'queue'
    | 'timeoutSeconds'
    | 'maxMegabytes'
    | 'maxMegapixels'
    | 'maxTiledMegapixels'
    | 'maxImages'
    | 'scoreThreshold'
  >
>;

export const DEFAULT_LIMITS: Limits = {
  queue: 32,
  timeoutSeconds: 60,
  maxMegabytes: 64,
  maxMegapixels: 64,
  maxTiledMegapixels: 256,
  maxImages: 16,
  scoreThreshold: 0.5,
};

export const SERVE_OPTIONS: Schema = {
  host: text,
  port: integer({min: 0, max: 65_535}),
  token: text,
  noToken: bool,
  queue: integer({min: 0}),
  timeoutSeconds: number({above: 0, max: 86_400}),
  maxMegabytes: number({above: 0, max: 2000}),
  maxMegapixels: number({above: 0, max: Math.floor(MAX_PIXELS / 1e6)}),
  maxTiledMegapixels: number({above: 0, max: 2147}),
  maxImages: integer({min: 1}),
  scoreThreshold: number({min: 0, max: 1}),
  labelStudio: text,
  labelStudioKey: text,
};

/** The formats of answers, and their media types. */
export const ANSWERS = {
  json: 'application/json',
  geojson: 'application/geo+json',
  csv: 'text/csv',
  overlay: 'image/png',
  labels: 'image/png; as=labels',
} as const;

export type AnswerFormat = keyof typeof ANSWERS;

export const answerRule = oneOf(...Object.keys(ANSWERS));

export const signalRule = instanceOf(AbortSignal);
