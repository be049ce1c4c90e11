import {createHash} from 'node:crypto';
import {createReadStream, type Stats} from 'node:fs';
import {mkdir, open, readFile, rename, rm, stat, writeFile} from 'node:fs/promises';
import {basename, dirname} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {pause} from '../basics/pause.js';
import {withFileLock} from './file-lock.js';

export type DownloadProgress = {
  url: string;
  /** Bytes on disk so far, including those of an earlier, interrupted download. */
  receivedBytes: number;
  /** Undefined if the server does not say. */
  totalBytes: number | undefined;
};

export type DownloadOptions = {
  /** SHA-256 in hex, or its first digits. */
  sha256?: string | undefined;
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
};

const attempts = 4;
const firstPauseMs = 500;
const stallMs = 60_000;

/** A refusal that a retry will not change. */
class Refused extends Error {}

/**
 * Downloads `url` (http or https) to the file `target`. The file appears only when it is complete: bytes are collected
 * in `target.part`, checked against `sha256`, and renamed. An interrupted download resumes from `target.part`. Broken
 * connections are retried. If several processes download the same target, they take turns. A target that already has
 * the digest is left as it is.
 *
 * Throws DOWNLOAD_FAILED, CHECKSUM_MISMATCH, or the signal's reason.
 */
export async function download(url: string, target: string, options: DownloadOptions = {}): Promise<void> {
  const {signal} = options;
  signal?.throwIfAborted();
  try {
    await mkdir(dirname(target), {recursive: true});
    await withFileLock(
      `${target}.lock`,
      async (waited) => {
        if (await isDone(target, options.sha256, waited)) return;
        await fetchAndCheck(url, target, options);
      },
      {signal},
    );
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof MaskRcnnError) throw error;
    throw new MaskRcnnError('DOWNLOAD_FAILED', `${url} could not be downloaded: ${describe(error)}.`, {
      hint: `Check the network, or fetch the file by other means and put it at ${target}.`,
      file: target,
      cause: error,
    });
  }
}

/** SHA-256 of a file in hex. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, {highWaterMark: 1 << 20, ...(signal && {signal})}))
    hash.update(chunk);
  return hash.digest('hex');
}

async function isDone(target: string, sha256: string | undefined, waited: boolean): Promise<boolean> {
  if ((await statOrUndefined(target)) === undefined) return false;
  if (sha256 === undefined) return waited;
  return (await sha256OfFile(target)).startsWith(sha256.toLowerCase());
}

async function fetchAndCheck(url: string, target: string, options: DownloadOptions): Promise<void> {
  const part = `${target}.part`;
  const {sha256, signal} = options;
  let resumed = await fetchWithRetries(url, part, options);
  if (sha256 !== undefined) {
    let digest = await sha256OfFile(part, signal);
    if (resumed && !digest.startsWith(sha256.toLowerCase())) {
      // The part from an earlier run may belong to another version of the file.
      await discard(part);
      resumed = await fetchWithRetries(url, part, options);
      digest = await sha256OfFile(part, signal);
    }
    if (!digest.startsWith(sha256.toLowerCase())) {
      await discard(part);
      throw new MaskRcnnError(
        'CHECKSUM_MISMATCH',
        `${url} should have a SHA-256 that starts with ${sha256}, but what arrived has ${digest}.`,
        {hint: 'A proxy may have answered in its place; nothing was kept.', file: target},
      );
    }
  }
  await rename(part, target);
  await rm(`${part}.json`, {force: true});
}

/** Resolves to true if the part file already had bytes of an earlier download. */
async function fetchWithRetries(url: string, part: string, options: DownloadOptions): Promise<boolean> {
  const takenOver = ((await statOrUndefined(part))?.size ?? 0) > 0;
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchPart(url, part, options);
      return takenOver;
    } catch (error) {
      options.signal?.throwIfAborted();
      const code = (error as NodeJS.ErrnoException).code;
      if (error instanceof Refused || code === 'ENOSPC' || code === 'EDQUOT' || attempt === attempts) throw error;
      await pause(firstPauseMs * 2 ** (attempt - 1), options.signal);
    }
  }
}

/** The origin of the bytes in a `.part` file. It is stored next to that file, so that a later process can resume. */
type PartInfo = {url: string; validator: string | null};

async function fetchPart(url: string, part: string, {sha256, onProgress, signal}: DownloadOptions): Promise<void> {
  const info = await readPartInfo(part);
  const size = (await statOrUndefined(part))?.size ?? 0;
  // Without a digest, only a validator can show that the file on the server has not changed.
  const from = info?.url === url && (info.validator !== null || sha256 !== undefined) ? size : 0;
  const headers: Record<string, string> = {'accept-encoding': 'identity'};
  if (from > 0) {
    headers.range = `bytes=${from}-`;
    if (info?.validator) headers['if-range'] = info.validator;
  }

  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(new Error(`no data for ${stallMs / 1000} seconds`)), stallMs);
  try {
    const response = await fetch(url, {
      headers,
      signal: signal ? AbortSignal.any([signal, stall.signal]) : stall.signal,
    });
    if (response.status === 416) {
      await response.body?.cancel();
      if (contentTotal(response) === size) return;
      await discard(part);
      throw new Error('the server has fewer bytes than an interrupted download left here');
    }
    if (response.status >= 400 || response.body === null) {
      await response.body?.cancel();
      const message = `the server answered ${response.status} ${response.statusText}`.trimEnd();
      // 408 and 429 ask the client to try again later, as server errors do.
      throw response.status >= 500 || [408, 429].includes(response.status) ? new Error(message) : new Refused(message);
    }
    const offset = response.status === 206 ? from : 0;
    if (response.status === 206 && !response.headers.get('content-range')?.startsWith(`bytes ${from}-`)) {
      await discard(part);
      throw new Error(`the server sent bytes ${response.headers.get('content-range')} where ${from}- were asked for`);
    }
    const length = response.headers.get('content-length');
    const totalBytes = contentTotal(response) ?? (length === null ? undefined : offset + Number(length));
    await writeFile(`${part}.json`, JSON.stringify({url, validator: strongValidator(response)} satisfies PartInfo));
    const file = await open(part, offset > 0 ? 'r+' : 'w');
    let position = offset;
    try {
      onProgress?.({url, receivedBytes: position, totalBytes});
      for await (const chunk of response.body) {
        timer.refresh();
        let written = 0;
        while (written < chunk.length) {
          written += (await file.write(chunk, written, chunk.length - written, position + written)).bytesWritten;
        }
        position += chunk.length;
        onProgress?.({url, receivedBytes: position, totalBytes});
      }
      await file.sync();
    } finally {
      await file.close();
    }
    if (totalBytes !== undefined && position !== totalBytes) {
      throw new Error(`the connection ended after ${position} of ${totalBytes} bytes`);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** The total length in a `Content-Range` header. */
function contentTotal(response: Response): number | undefined {
  const match = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  return match ? Number(match[1]) : undefined;
}

function strongValidator(response: Response): string | null {
  const etag = response.headers.get('etag');
  return etag !== null && !etag.startsWith('W/') ? etag : null;
}

async function readPartInfo(part: string): Promise<PartInfo | undefined> {
  try {
    return JSON.parse(await readFile(`${part}.json`, 'utf8'));
  } catch {
    // There was no earlier download, or it ended while it wrote this file: start over.
    return undefined;
  }
}

async function discard(part: string): Promise<void> {
  await rm(part, {force: true});
  await rm(`${part}.json`, {force: true});
}

async function statOrUndefined(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** undici's message is just "fetch failed"; `cause` has the reason. */
function describe(error: unknown): string {
  const {message, cause} = error as Error;
  return cause instanceof Error && cause.message ? `${message} (${cause.message})` : message || basename(String(error));
}
