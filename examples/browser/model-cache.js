/** The name of the browser's cache that holds the model. */
const CACHE = 'maskrcnn-model';

/**
 * The bytes of the model at `url`: from the browser's cache if the server has the same, or cannot be reached.
 * `onProgress` is called with the share that has arrived, 0..1.
 */
export async function fetchModel(url, onProgress) {
  // Pages without https have no cache, except on localhost.
  const cache = await globalThis.caches?.open(CACHE).catch(() => undefined);
  const kept = await cache?.match(url);
  if (kept !== undefined && (await isCurrent(url, kept))) {
    onProgress(1);
    return new Uint8Array(await kept.arrayBuffer());
  }
  const response = await fetch(url, {cache: 'no-cache'});
  if (!response.ok) throw new Error(`${url} could not be fetched: the server says ${response.status}.`);
  const bytes = await readAll(response, onProgress);
  // A full disk is no reason to fail.
  await cache?.put(url, new Response(bytes, {headers: response.headers})).catch(() => {});
  return bytes;
}

/** Whether the server still has what is in the cache. Without a server, what is there must do. */
async function isCurrent(url, kept) {
  const head = await fetch(url, {method: 'HEAD', cache: 'no-cache'}).catch(() => undefined);
  if (head === undefined) return true;
  const names = ['etag', 'last-modified', 'content-length'];
  return head.ok && names.every((name) => head.headers.get(name) === kept.headers.get(name));
}

async function readAll(response, onProgress) {
  const total = Number(response.headers.get('content-length'));
  const parts = [];
  let received = 0;
  for (const reader = response.body.getReader(); ; ) {
    const {done, value} = await reader.read();
    if (done) break;
    parts.push(value);
    received += value.length;
    if (total > 0) onProgress(Math.min(1, received / total));
  }
  const bytes = new Uint8Array(received);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
