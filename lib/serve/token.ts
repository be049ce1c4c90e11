import {createHash, timingSafeEqual} from 'node:crypto';
import {Problem} from './problem.js';

/** Names of this machine in a `Host` header, without the port. */
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]', '::1'];

/** Whether only this machine reaches a server that listens on `host`. */
export function isLoopback(host: string): boolean {
  return LOOPBACK_NAMES.includes(host) || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * Throws UNAUTHORIZED unless the `Authorization` header holds the token: as a bearer token, or as the password of the
 * basic scheme, which Label Studio uses. Takes as long for any wrong one.
 */
export function requireToken(authorization: string | undefined, token: string): void {
  const [, scheme = '', credentials = ''] = /^(\S+) +(.*)$/s.exec(authorization ?? '') ?? [];
  const isBasic = scheme.toLowerCase() === 'basic';
  const given = isBasic
    ? Buffer.from(credentials, 'base64')
        .toString()
        .replace(/^[^:]*:/, '')
    : scheme.toLowerCase() === 'bearer'
      ? credentials
      : '';
  if (timingSafeEqual(digest(given), digest(token))) return;
  throw new Problem(401, 'UNAUTHORIZED', 'This server needs its token.', {
    hint: 'Send it as the header "Authorization: Bearer TOKEN".',
    headers: {'www-authenticate': 'Bearer realm="maskrcnn"'},
  });
}

/** Digests are of one length, whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/**
 * Throws HOST_NOT_ALLOWED for a name that is not of this machine. A page elsewhere could otherwise have its own name
 * point to this machine, and then read the answers of a server without a token.
 */
export function requireLoopbackName(host: string | undefined): void {
  // Browsers always send it. Health checks that speak HTTP/1.0 do not.
  const name = host?.replace(/:\d+$/, '').toLowerCase();
  if (name === undefined || isLoopback(name)) return;
  throw new Problem(421, 'HOST_NOT_ALLOWED', 'Without a token, this server answers to names of its own machine only.', {
    hint: 'Open it as http://127.0.0.1, or start it with a token.',
  });
}

/**
 * Throws HOST_NOT_ALLOWED for a request that a page from elsewhere sends. It could not read the answer, but would have
 * this machine compute.
 */
export function requireOwnOrigin(origin: string | undefined, host: string | undefined): void {
  if (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return;
  throw new Problem(403, 'HOST_NOT_ALLOWED', 'Without a token, this server works for pages of its own only.', {
    hint: 'Start it with a token.',
  });
}
