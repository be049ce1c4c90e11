import {execFile, spawn} from 'node:child_process';
import {promisify} from 'node:util';
import {MaskRcnnError} from '../lib/basics/errors.js';

/**
 * Runs a command with `input` on its standard input. Resolves to its output, or undefined if it fails or is missing.
 */
export type Probe = (command: string, args: string[], input?: string) => Promise<string | undefined>;

const leastCmake = [3, 18] as const;

/** For each package manager, the line that installs everything. */
const installLines: readonly (readonly [command: string, line: string])[] = [
  ['apt-get', 'sudo apt-get update && sudo apt-get install -y g++ cmake ninja-build'],
  ['dnf', 'sudo dnf install -y gcc-c++ cmake ninja-build'],
  ['zypper', 'sudo zypper install -y gcc-c++ cmake ninja'],
  ['pacman', 'sudo pacman -S --needed gcc cmake ninja'],
  ['brew', 'xcode-select --install; brew install cmake ninja'],
  ['winget', 'winget install Kitware.CMake Microsoft.VisualStudio.2022.BuildTools'],
];

/**
 * Checks for a C++20 compiler, CMake, and a build tool for CMake. Throws BUILD_FAILED with the line that installs them.
 */
export async function checkPrerequisites(
  platform: NodeJS.Platform = process.platform,
  probe: Probe = run,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const missing = (
    await Promise.all([checkCmake(probe), checkCompiler(platform, probe, env), checkMake(platform, probe)])
  )
    .filter((problem) => problem !== undefined)
    .join(' ');
  if (missing === '') return;
  throw new MaskRcnnError('BUILD_FAILED', `The addon cannot be built from source. ${missing}`, {
    hint: `Install them with: ${await installLine(probe)}`,
  });
}

async function checkCmake(probe: Probe): Promise<string | undefined> {
  const wanted = `CMake >= ${leastCmake.join('.')} is needed`;
  const output = await probe('cmake', ['--version']);
  if (output === undefined) return `${wanted}, but cmake is not on the PATH.`;
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(output) ?? []).slice(1).map(Number);
  const isEnough = major > leastCmake[0] || (major === leastCmake[0] && minor >= leastCmake[1]);
  return isEnough ? undefined : `${wanted}, but cmake is ${major}.${minor}.`;
}

async function checkCompiler(
  platform: NodeJS.Platform,
  probe: Probe,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  // cmake-js looks for Visual Studio itself and reports what is missing.
  if (platform === 'win32') return undefined;
  const program =
    '#include <concepts>\n#include <span>\ntemplate <std::integral T> T f(T x) { return x; }\nint main() { return f(0); }\n';
  const compilers = env.CXX ? [env.CXX] : ['c++', 'g++', 'clang++'];
  for (const compiler of compilers) {
    if ((await probe(compiler, ['-std=c++20', '-fsyntax-only', '-x', 'c++', '-'], program)) !== undefined)
      return undefined;
  }
  return `A C++20 compiler (GCC >= 11 or Clang >= 14) is needed, but none of ${compilers.join(', ')} compiles C++20.`;
}

async function checkMake(platform: NodeJS.Platform, probe: Probe): Promise<string | undefined> {
  if (platform === 'win32') return undefined;
  const found = await Promise.all(['ninja', 'make'].map((command) => probe(command, ['--version'])));
  return found.some((output) => output !== undefined)
    ? undefined
    : 'Ninja or Make is needed, but neither is on the PATH.';
}

async function installLine(probe: Probe): Promise<string> {
  for (const [command, line] of installLines) {
    if ((await probe(command, ['--version'])) !== undefined) return line;
  }
  return 'the package manager of your system (g++, cmake, ninja)';
}

async function run(command: string, args: string[], input?: string): Promise<string | undefined> {
  try {
    if (input === undefined) return (await promisify(execFile)(command, args)).stdout;
    const child = spawn(command, args, {stdio: ['pipe', 'ignore', 'ignore']});
    child.stdin.on('error', () => {}).end(input);
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    return code === 0 ? '' : undefined;
  } catch {
    return undefined;
  }
}
