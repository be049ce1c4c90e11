import {execFile} from 'node:child_process';
import {mkdir, mkdtemp, readdir, rm, stat} from 'node:fs/promises';
import {basename, join} from 'node:path';
import {promisify} from 'node:util';
import {MaskRcnnError} from '../basics/errors.js';
import type {Progress} from '../basics/progress.js';
import {download, sha256OfFile} from '../files/download.js';
import {pinnedDigests, type Variant} from './pinned.js';
import {pickWheel, type Requirement} from './wheel.js';

/** A source of wheels. */
export type WheelSource = {
  /** The path of a wheel that meets the requirement. Throws DOWNLOAD_FAILED if there is none. */
  obtain(requirement: Requirement): Promise<string>;
  /** Removes the downloads. */
  dispose(): Promise<void>;
};

export type SourceContext = {
  variant: Variant;
  /** The folder for downloads. */
  downloads: string;
  progress: Progress;
  signal?: AbortSignal | undefined;
};

/** An index that does not answer within this time counts as unreachable. */
const indexTimeoutMs = 5000;

/**
 * A package index (PEP 503) at `url`. Wheels are checked against their pinned digest, or else against the digest in the
 * index.
 */
export function indexSource(url: string, context: SourceContext): WheelSource {
  const fetched: string[] = [];
  return {
    async obtain(requirement) {
      const links = await listIndex(`${url.replace(/\/$/, '')}/${requirement.name}/`, context.signal);
      const name = pickWheel([...links.keys()], requirement, context.variant);
      if (name === undefined) throw noWheel(requirement, url);
      const link = links.get(name)!;
      const path = await fetchFile(link.href, name, link.sha256, context);
      fetched.push(path);
      return path;
    },
    dispose: () => removeAll(fetched),
  };
}

/** A folder of wheels. The wheel `only` is preferred if it meets the requirement. */
export function folderSource(folder: string, {variant}: Pick<SourceContext, 'variant'>, only?: string): WheelSource {
  return {
    async obtain(requirement) {
      const files = await readdir(folder);
      const name =
        pickWheel(only === undefined ? [] : [only], requirement, variant) ?? pickWheel(files, requirement, variant);
      if (name === undefined) throw noWheel(requirement, folder);
      const path = join(folder, name);
      await checkPinned(path);
      return path;
    },
    dispose: async () => {},
  };
}

/**
 * Downloads wheels into `folder` with `pip download`, under the user's own configuration: a company's mirror, a folder
 * of wheels, an offline machine.
 */
export function pipSource(python: string, folder: string, context: SourceContext): WheelSource {
  return {
    async obtain(requirement) {
      await mkdir(folder, {recursive: true});
      // Prefer '+cpu': PyPI's plain torch for Linux is the CUDA build, which is fifteen times as large.
      const preferred = requirement.name === 'torch' && context.variant === 'cpu' ? ['+cpu', ''] : [''];
      for (const [i, local] of preferred.entries()) {
        const wanted = `${requirement.name}${requirement.specifier}${local}`;
        try {
          await pipDownload(python, wanted, folder, context);
          break;
        } catch (cause) {
          context.signal?.throwIfAborted();
          if (i + 1 < preferred.length && !isMissing(cause)) continue;
          throw new MaskRcnnError('DOWNLOAD_FAILED', `pip could not get ${wanted}: ${reasonOf(cause)}.`, {cause});
        }
      }
      const file = pickWheel(await readdir(folder), requirement, context.variant);
      if (file === undefined) throw noWheel(requirement, 'what pip downloaded');
      await checkPinned(join(folder, file));
      return join(folder, file);
    },
    dispose: () => removeAll([folder]),
  };
}

async function pipDownload(
  python: string,
  wanted: string,
  folder: string,
  {progress, signal}: SourceContext,
): Promise<void> {
  progress.say(`Asking pip for ${wanted}, under its own configuration ...`);
  const temporary = await mkdtemp(join(folder, 'tmp-'));
  // pip shows no progress without a terminal, so watch the size of its files.
  const timer = setInterval(async () => {
    const done = await sizeOf(temporary);
    if (done > 0) progress.update({label: `pip: ${wanted}`, done, unit: 'bytes'});
  }, 500);
  try {
    const args = [
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--retries',
      '0',
      '--only-binary',
      ':all:',
      '-d',
      folder,
      wanted,
    ];
    await promisify(execFile)(python, args, {
      maxBuffer: 1 << 26,
      env: {...process.env, PIP_DISABLE_PIP_VERSION_CHECK: '1', TMPDIR: temporary, TEMP: temporary},
      ...(signal && {signal}),
    });
  } finally {
    clearInterval(timer);
    progress.close();
    await rm(temporary, {recursive: true, force: true});
  }
}

async function sizeOf(folder: string): Promise<number> {
  // pip creates and deletes files while it runs.
  const files = await readdir(folder, {recursive: true}).catch(() => []);
  const sizes = files.map((file) =>
    stat(join(folder, file)).then(
      (stats) => (stats.isFile() ? stats.size : 0),
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Downloads a file into the folder for downloads, and resumes an earlier attempt. */
export async function fetchFile(
  url: string,
  name: string,
  stated: string | undefined,
  {downloads, progress, signal}: SourceContext,
): Promise<string> {
  const sha256 = pinnedDigests[name] ?? stated;
  const path = join(downloads, name);
  progress.say(`Downloading ${url}${sha256 === undefined ? ' (no SHA-256 is known to check it by)' : ''}`);
  await download(url, path, {
    sha256,
    signal,
    onProgress: ({receivedBytes, totalBytes}) =>
      progress.update({label: name, done: receivedBytes, total: totalBytes, unit: 'bytes'}),
  });
  progress.close();
  return path;
}

async function listIndex(
  url: string,
  signal: AbortSignal | undefined,
): Promise<Map<string, {href: string; sha256: string | undefined}>> {
  let page: string;
  let base: string;
  try {
    const timeout = AbortSignal.timeout(indexTimeoutMs);
    const response = await fetch(url, {signal: signal ? AbortSignal.any([signal, timeout]) : timeout});
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    page = await response.text();
    base = response.url;
  } catch (cause) {
    signal?.throwIfAborted();
    throw new MaskRcnnError('DOWNLOAD_FAILED', `The package index ${url} cannot be reached: ${reasonOf(cause)}.`, {
      cause,
    });
  }
  const links = [...page.matchAll(/<a\s[^>]*?href\s*=\s*["']([^"']+)["']/gi)].map(([, href]) => {
    const link = new URL(href!.replaceAll('&amp;', '&'), base);
    const sha256 = /^#sha256=([0-9a-f]{64})$/.exec(link.hash)?.[1];
    link.hash = '';
    return [decodeURIComponent(basename(link.pathname)), {href: link.href, sha256}] as const;
  });
  return new Map(links);
}

/** Checks a file against the digest that is pinned for its name, if there is one. Throws CHECKSUM_MISMATCH. */
async function checkPinned(path: string): Promise<void> {
  const wanted = pinnedDigests[basename(path)];
  if (wanted === undefined) return;
  const digest = await sha256OfFile(path);
  if (digest === wanted) return;
  throw new MaskRcnnError('CHECKSUM_MISMATCH', `${path} should have the SHA-256 ${wanted}, but has ${digest}.`, {
    hint: 'It is truncated, or not the file of the official index: fetch it again.',
    file: path,
  });
}

function noWheel({name, specifier}: Requirement, place: string): MaskRcnnError {
  return new MaskRcnnError(
    'DOWNLOAD_FAILED',
    `No wheel of ${name}${specifier} for ${process.platform}-${process.arch} is in ${place}.`,
  );
}

async function removeAll(paths: string[]): Promise<void> {
  await Promise.all(paths.map((path) => rm(path, {recursive: true, force: true})));
}

/** The last line of pip's output, the cause of fetch's error, or the message. */
function reasonOf(error: unknown): string {
  if (isMissing(error)) return 'there is no Python on the PATH';
  const {message, cause, stderr} = error as Error & {stderr?: string};
  const last = stderr?.trim().split('\n').at(-1);
  return (last || (cause instanceof Error && cause.message) || message).replace(/\.$/, '');
}

/** Whether the command itself does not exist. */
function isMissing(error: unknown): boolean {
  const {code, syscall} = error as NodeJS.ErrnoException;
  return code === 'ENOENT' && syscall?.startsWith('spawn') === true;
}
