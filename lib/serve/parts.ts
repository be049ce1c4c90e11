import type {Metrics} from './metrics.js';
import type {ServedModels} from './models.js';
import type {Limits} from './options.js';
import type {PageFile} from './page-files.js';
import type {WorkQueue} from './work-queue.js';

/** What the routes need. */
export type AppParts = {
  models: ServedModels;
  queue: WorkQueue;
  metrics: Metrics;
  limits: Limits;
  page: ReadonlyMap<string, PageFile>;
  host: string;
  token: string | undefined;
  /** Where Label Studio is, and its key; undefined without it. */
  labelStudio: {url: string; apiKey: string | undefined} | undefined;
  /** The package's version. */
  version: string;
  /** Whether the server is ending. */
  isClosing: () => boolean;
  /** Is told of errors that are not the asker's. */
  onNotice: (notice: string) => void;
};

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route needs the token. */
    isGuarded?: boolean;
    /** Whether it has a body to read and work that waits in the queue. */
    isWork?: boolean;
    /** Whether the time for a request does not count: it has as many images as the client likes, and waits for them. */
    isPatient?: boolean;
  }

  interface FastifyRequest {
    /** Aborted when the client has gone, or the time for the request is over. */
    gone: AbortSignal;
  }
}
