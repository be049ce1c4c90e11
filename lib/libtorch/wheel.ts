import {text} from 'node:stream/consumers';
import {MaskRcnnError} from '../basics/errors.js';
import type {Variant} from './pinned.js';

/** A required package. */
export type Requirement = {
  /** Normalised: lower case, words joined by '-'. */
  name: string;
  /** PEP 440, such as '==2.13.0' or '==13.0.*'. '' accepts any version. */
  specifier: string;
  extras: string[];
};

export type WheelName = {name: string; version: string; platforms: string[]};

export type Target = {platform: NodeJS.Platform; arch: string};

/** Parses `name-version(-build)-python-abi-platform.whl`. Undefined if it is something else. */
export function parseWheelName(file: string): WheelName | undefined {
  const match = /^([^-]+)-([^-]+)(?:-\d[^-]*)?-[^-]+-[^-]+-([^-]+)\.whl$/.exec(file);
  return match ? {name: normaliseName(match[1]!), version: match[2]!, platforms: match[3]!.split('.')} : undefined;
}

/**
 * The best of the wheels `files` for `requirement` on this platform, or undefined if none fits. The Python version of a
 * wheel does not matter.
 */
export function pickWheel(
  files: readonly string[],
  requirement: Requirement,
  variant: Variant,
  target: Target = process,
): string | undefined {
  const fitting = files.flatMap((file) => {
    const wheel = parseWheelName(file);
    const fits =
      wheel !== undefined &&
      wheel.name === requirement.name &&
      satisfies(wheel.version, requirement.specifier) &&
      wheel.platforms.some((tag) => runsOn(tag, target));
    return fits ? [{file, version: wheel.version}] : [];
  });
  // PyTorch marks its builds as +cpu or +cu130. A build without a mark may be either.
  const mark = variant === 'cpu' ? /\+cpu/ : /\+cu\d/;
  const rank = ({version}: {version: string}) => (mark.test(version) ? 0 : version.includes('+') ? 2 : 1);
  fitting.sort(
    (a, b) =>
      rank(a) - rank(b) || b.version.localeCompare(a.version, 'en', {numeric: true}) || (a.file < b.file ? -1 : 1),
  );
  return fitting[0]?.file;
}

/**
 * The CUDA libraries that a wheel requires according to its metadata, without its Python packages. Requirements of an
 * extra count only if `extras` includes it.
 */
export async function cudaRequirements(
  path: string,
  extras: readonly string[] = [],
  target: Target = process,
): Promise<Requirement[]> {
  const zip = await openWheel(path);
  try {
    for await (const entry of zip.eachEntry()) {
      if (!/^[^/]+\.dist-info\/METADATA$/.test(entry.fileName)) continue;
      return parseRequirements(await text(await zip.openReadStreamPromise(entry)), extras, target);
    }
    return [];
  } finally {
    zip.close();
  }
}

export function parseRequirements(metadata: string, extras: readonly string[], {platform}: Target): Requirement[] {
  const here = {linux: /Linux|linux/, win32: /Windows|win32/, darwin: /Darwin|darwin/}[platform as string];
  const line = /^Requires-Dist:[ \t]*([\w.-]+)[ \t]*(?:\[([^\]\n]*)\])?[ \t]*\(?([^;\n)]*)\)?[ \t]*(?:;(.*))?$/gm;
  return [...metadata.matchAll(line)]
    .filter(([, name, , , marker = '']) => {
      const extra = /extra\s*==\s*['"]([^'"]+)['"]/.exec(marker)?.[1];
      const isHere = !/platform_system|sys_platform/.test(marker) || here?.test(marker);
      return /^(nvidia-|cuda-toolkit$)/.test(normaliseName(name!)) && isHere && (!extra || extras.includes(extra));
    })
    .map(([, name, wanted = '', specifier = '']) => ({
      name: normaliseName(name!),
      specifier: specifier.trim(),
      extras: wanted.split(',').flatMap((extra) => extra.trim() || []),
    }));
}

/** Opens a zip file. Throws DOWNLOAD_FAILED, which names the file, if it is not a complete zip. */
export async function openWheel(path: string) {
  const {openPromise} = await import('yauzl'); // only set-up needs it
  try {
    return await openPromise(path, {autoClose: false});
  } catch (cause) {
    throw new MaskRcnnError(
      'DOWNLOAD_FAILED',
      `${path} must be a wheel or another zip file: ${(cause as Error).message}.`,
      {hint: 'It may be truncated: fetch it again.', file: path, cause},
    );
  }
}

export function normaliseName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

/** Checks only `==`, because the CUDA libraries are all pinned by it. The version may have a local part (+cpu). */
function satisfies(version: string, specifier: string): boolean {
  return specifier.split(',').every((part) => {
    const wanted = /^\s*==\s*(\S+)$/.exec(part)?.[1];
    if (wanted === undefined) return true;
    const plain = wanted.includes('+') ? version : version.split('+', 1)[0]!;
    return wanted.endsWith('.*') ? `${plain}.`.startsWith(wanted.slice(0, -1)) : plain === wanted;
  });
}

function runsOn(tag: string, {platform, arch}: Target): boolean {
  if (tag === 'any') return true;
  const machine = {x64: 'x86_64', arm64: platform === 'linux' ? 'aarch64' : 'arm64'}[arch as string];
  if (platform === 'win32') return tag === (arch === 'x64' ? 'win_amd64' : 'win_arm64');
  // Not musllinux, which is for another C library.
  const system = platform === 'linux' ? /^(many)?linux/ : platform === 'darwin' ? /^macosx/ : undefined;
  return machine !== undefined && system?.test(tag) === true && tag.endsWith(`_${machine}`);
}
