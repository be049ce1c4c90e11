import {MaskRcnnError} from '../basics/errors.js';

/** A token is renewed this long before it ends. */
const EARLY_MS = 30_000;

/** How long Label Studio may take to renew one. */
const TIMEOUT_MS = 30_000;

/** The longest answer that is read. */
const MOST_CHARACTERS = 1 << 16;

/** What the payload of a JSON Web Token may say. */
type Claims = {token_type?: unknown; exp?: unknown};

/**
 * An API key of Label Studio. A legacy token is sent as it is. A personal access token is a JSON Web Token with which
 * one asks for tokens that are valid for some minutes (https://labelstud.io/guide/access_tokens).
 */
export class ApiKey {
  readonly #key: string;
  readonly #base: string;
  readonly #claims: Claims | undefined;
  /** The token in use, and when it ends, in milliseconds. */
  #token: Promise<{token: string; ends: number}> | undefined;

  /** `base`: the address of Label Studio, without a slash at the end. */
  constructor(key: string, base: string) {
    this.#key = key;
    this.#base = base;
    this.#claims = claimsOf(key);
  }

  /** The value of the header Authorization. Throws DOWNLOAD_FAILED if there is no token to be had. */
  async header(): Promise<string> {
    if (this.#claims === undefined) return `Token ${this.#key}`;
    if (this.#claims.token_type !== 'refresh') return `Bearer ${this.#key}`;
    let current = await this.#current();
    if (Date.now() >= current.ends - EARLY_MS) {
      this.renew();
      current = await this.#current();
    }
    return `Bearer ${current.token}`;
  }

  /** Has the next header be a new one. Returns whether that is possible. */
  renew(): boolean {
    this.#token = undefined;
    return this.#claims?.token_type === 'refresh';
  }

  /** The same for all that wait for one. */
  #current(): Promise<{token: string; ends: number}> {
    this.#token ??= this.#ask().catch((error) => {
      this.#token = undefined;
      throw error;
    });
    return this.#token;
  }

  async #ask(): Promise<{token: string; ends: number}> {
    const failed = (reason: string, cause?: unknown) =>
      new MaskRcnnError('DOWNLOAD_FAILED', `Label Studio gave no token for the API key: ${reason}.`, {
        hint: 'Take a new key from Account & Settings in Label Studio, and check its address.',
        cause,
      });
    let answer: unknown;
    try {
      const response = await fetch(`${this.#base}/api/token/refresh/`, {
        method: 'POST',
        headers: {'content-type': 'application/json'},
        body: JSON.stringify({refresh: this.#key}),
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await response.text();
      if (!response.ok) throw failed(`it answered ${response.status}`);
      if (text.length <= MOST_CHARACTERS) answer = JSON.parse(text);
    } catch (cause) {
      if (cause instanceof MaskRcnnError) throw cause;
      throw failed((cause as Error).message, cause);
    }
    const token = (answer as {access?: unknown} | null | undefined)?.access;
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw failed('the answer has no token');
    const {exp} = claimsOf(token) ?? {};
    return {token, ends: typeof exp === 'number' ? 1000 * exp : Date.now() + 2 * EARLY_MS};
  }
}

/** What a JSON Web Token says; undefined for any other text. The signature is the server's business. */
function claimsOf(key: string): Claims | undefined {
  const parts = key.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? claims : undefined;
  } catch {
    return undefined; // not JSON, so not such a token
  }
}
