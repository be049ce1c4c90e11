import {execFile} from 'node:child_process';
import {promisify} from 'node:util';

const TIMEOUT_MS = 10_000;

/** The GPUs and their driver as reported by nvidia-smi, one line each; undefined if nvidia-smi is not installed. */
export async function askNvidiaSmi(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const args = ['--query-gpu=name,driver_version', '--format=csv,noheader'];
  try {
    const {stdout} = await promisify(execFile)('nvidia-smi', args, {env, timeout: TIMEOUT_MS});
    return stdout.trim().replaceAll(/, (?=[^,]*$)/gm, ', driver ');
  } catch (error) {
    const {code, stdout, message} = error as NodeJS.ErrnoException & {stdout?: string};
    if (code === 'ENOENT') return undefined;
    // If nvidia-smi finds no driver, it reports that on standard output.
    return `failed: ${(stdout?.trim() || message).split('\n', 1)[0]}`;
  }
}
