import {stat} from 'node:fs/promises';
import {homedir} from 'node:os';
import {join} from 'node:path';
import {MaskRcnnError} from '../basics/errors.js';
import {cacheRoot} from '../files/cache.js';
import {type DownloadProgress, download, sha256OfFile} from '../files/download.js';
import {
  findRegistered,
  type RegisteredModel,
  type RegisteredWeights,
  registeredFor,
  torchvisionModels,
} from './registry.js';
import {weightsAt} from './run-weights.js';

export type ResolveWeightsOptions = RegisteredModel & {
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Base URL of a mirror that has torchvision's file names. Default: torchvision's own. */
  baseUrl?: string | undefined;
};

export type ResolvedWeights = {
  path: string;
  /** Undefined if the caller gave a path. */
  registered: RegisteredWeights | undefined;
  /** A sentence that says what was taken, if it is not what the caller named. */
  note?: string;
};

/**
 * Finds the file that `nameOrPath` means. A registered name is searched in the cache of this package and in the cache
 * of torch.hub, and downloaded if it is in neither. Each file is checked against the registered digest. Anything else
 * is a path. The folder of a run means the best weights of its detector.
 *
 * Throws INVALID_OPTION if it is neither a registered name nor a file, WEIGHTS_UNAVAILABLE if the download fails, or
 * CHECKSUM_MISMATCH.
 */
export async function resolveWeights(nameOrPath: string, options: ResolveWeightsOptions): Promise<ResolvedWeights> {
  const registered = findRegistered(nameOrPath, options);
  if (registered !== undefined) return {path: await fetchRegistered(registered, options), registered};
  const {file, ...taken} = options.kind === 'detector' ? await weightsAt(nameOrPath) : {file: nameOrPath};
  if (await isFile(file)) return {path: file, registered: undefined, ...taken};
  const names = registeredFor(options).map(({name}) => name.slice(name.indexOf('.') + 1));
  const {kind, backbone, version, masks} = options;
  const without = masks === 'none' ? ' without masks' : '';
  const model = kind === 'detector' ? `${backbone} in version ${version}${without}` : backbone;
  throw new MaskRcnnError(
    'INVALID_OPTION',
    `'${nameOrPath}' is neither a file nor the name of ${kind} weights for ${model}.`,
    {
      hint: names.length > 0 ? `Registered are ${names.join(', ')}.` : `None are registered for ${model}: name a file.`,
      file: nameOrPath,
    },
  );
}

/** The folder for downloaded weights. */
export function weightsFolder(): string {
  return join(cacheRoot(), 'checkpoints');
}

async function fetchRegistered(
  {file, sha256, name}: RegisteredWeights,
  {onProgress, signal, baseUrl = torchvisionModels}: ResolveWeightsOptions,
): Promise<string> {
  const folder = weightsFolder();
  const target = join(folder, file);
  for (const path of [target, join(torchHubFolder(), file)]) {
    if ((await isFile(path)) && (await sha256OfFile(path, signal)).startsWith(sha256)) return path;
  }
  try {
    await download(new URL(file, baseUrl).href, target, {sha256, onProgress, signal});
    return target;
  } catch (error) {
    if (!(error instanceof MaskRcnnError) || error.code !== 'DOWNLOAD_FAILED') throw error;
    throw new MaskRcnnError(
      'WEIGHTS_UNAVAILABLE',
      `${name} is not on this machine, and ${error.message.split('\n')[0]}`,
      {
        hint: `Download ${torchvisionModels}${file} on a machine that can, and put it into ${folder}.`,
        file: target,
        cause: error,
      },
    );
  }
}

/**
 * The folder of torch.hub's downloads, by torch.hub's rule: in `TORCH_HOME`, else in `torch` in the cache folder of the
 * XDG specification.
 */
export function torchHubFolder({TORCH_HOME, XDG_CACHE_HOME}: NodeJS.ProcessEnv = process.env): string {
  return join(TORCH_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'torch'), 'hub', 'checkpoints');
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    // It is missing or not accessible. Either way it cannot be used.
    return false;
  }
}
