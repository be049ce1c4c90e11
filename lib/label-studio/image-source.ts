import {MaskRcnnError} from '../basics/errors.js';
import {ApiKey} from './api-key.js';
import {elsewhere, placeOf, refused, shown, type TaskImage, taskName, tooLarge} from './task-image.js';

export type ImageSourceOptions = {
  /** The address of Label Studio. Undefined: images must be in the tasks. */
  base: URL | undefined;
  apiKey: string | undefined;
  maxBytes: number;
  /** How long one image may take, in milliseconds. */
  timeoutMs: number;
};

const MOST_REDIRECTS = 5;

/** Gets the images of tasks, from the tasks themselves or from Label Studio. */
export class ImageSource {
  readonly #options: ImageSourceOptions;
  readonly #key: ApiKey | undefined;

  constructor(options: ImageSourceOptions) {
    this.#options = options;
    const {base, apiKey} = options;
    if (base !== undefined && apiKey !== undefined) this.#key = new ApiKey(apiKey, base.href.replace(/\/$/, ''));
  }

  /**
   * The bytes of an image file. Throws INVALID_IMAGE for one that must not be fetched, is too large or is none;
   * DOWNLOAD_FAILED if Label Studio does not give it; INVALID_OPTION if the address of Label Studio is not known; or
   * the reason of the signal.
   */
  async read(task: TaskImage, signal: AbortSignal): Promise<Uint8Array> {
    const place = placeOf(task, this.#options);
    if ('bytes' in place) return place.bytes;
    const timeout = AbortSignal.timeout(this.#options.timeoutMs);
    const within = AbortSignal.any([signal, timeout]);
    try {
      const found = await this.#fetch(place.url, task, within);
      if (found !== undefined) return found;
      const other = place.otherwise && (await this.#fetch(place.otherwise, task, within));
      if (other !== undefined) return other;
      throw failed(task, 'it is not there (404)');
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof MaskRcnnError) throw cause;
      if (timeout.aborted) throw failed(task, `it took more than ${this.#options.timeoutMs / 1000} s`, {cause});
      throw failed(task, reasonOf(cause), {cause});
    }
  }

  /** Undefined if there is nothing at the address. */
  async #fetch(url: URL, task: TaskImage, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const base = this.#options.base!;
    let isSecondTry = false;
    for (let redirects = 0; redirects <= MOST_REDIRECTS; ) {
      // Not followed by fetch(), which would also go to other servers.
      const headers: Record<string, string> = this.#key ? {authorization: await this.#key.header()} : {};
      const response = await fetch(url, {headers, redirect: 'manual', signal});
      const {status} = response;
      if (status === 200) return this.#bytesOf(response, task);
      await response.body?.cancel();
      const location = response.headers.get('location');
      if (status >= 300 && status < 400 && location !== null) {
        if (!URL.canParse(location, url.href)) throw failed(task, 'it is at an address that is none');
        url = new URL(location, url);
        if (url.origin !== base.origin) throw elsewhere(task, url, base);
        if (/\/user\/login\b/.test(url.pathname)) throw this.#notAllowed(task, 'it wants a login');
        redirects++;
      } else if (status === 401 && !isSecondTry && this.#key?.renew()) {
        isSecondTry = true;
      } else if (status === 401 || status === 403) {
        throw this.#notAllowed(task, `it answered ${status}`);
      } else if (status === 404) {
        return undefined;
      } else {
        throw failed(task, `it answered ${status}`);
      }
    }
    throw failed(task, `it leads on more than ${MOST_REDIRECTS} times`);
  }

  async #bytesOf(response: Response, task: TaskImage): Promise<Uint8Array> {
    const {maxBytes} = this.#options;
    const stop = async (error: MaskRcnnError) => {
      await response.body?.cancel().catch(() => {});
      return error;
    };
    if (response.headers.get('content-type')?.startsWith('text/html')) {
      throw await stop(refused(task, 'Label Studio sent a page instead of an image'));
    }
    if (Number(response.headers.get('content-length')) > maxBytes) throw await stop(tooLarge(task, maxBytes));
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of response.body ?? []) {
      length += part.length;
      if (length > maxBytes) throw tooLarge(task, maxBytes);
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  #notAllowed(task: TaskImage, what: string): MaskRcnnError {
    const hint = this.#key
      ? 'Check the API key: its account must be able to see the project.'
      : 'Give an API key of Label Studio.';
    return failed(task, what, {hint});
  }
}

function failed({id, value}: TaskImage, reason: string, details: {hint?: string; cause?: unknown} = {}): MaskRcnnError {
  return new MaskRcnnError(
    'DOWNLOAD_FAILED',
    `Label Studio does not give the image of ${taskName(id)}, ${shown(value)}: ${reason}.`,
    details,
  );
}

/** undici's message is just "fetch failed"; `cause` has the reason. */
function reasonOf(error: unknown): string {
  const {message, cause} = error as Error;
  return cause instanceof Error && cause.message ? cause.message : message;
}
