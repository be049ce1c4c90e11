import {type ParseArgsConfig, parseArgs} from 'node:util';
import {MaskRcnnError} from 'maskrcnn';

/** Wraps Node's `parseArgs`: a mistake or `--help` prints `usage` and ends the program. */
export function readArguments<T extends ParseArgsConfig>(usage: string, config: T): ReturnType<typeof parseArgs<T>> {
  if (process.argv.includes('--help')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    return misuse(usage, (error as Error).message);
  }
}

/** Reads a whole number of at least 1 from the command line. */
export function readCount(usage: string, name: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  return misuse(usage, `--${name} must be a whole number from 1 on, got '${text}'.`);
}

export function misuse(usage: string, complaint: string): never {
  console.error(`${complaint}\n\n${usage}`);
  process.exit(2);
}

/** Runs an example. The package's errors say how to fix them, so they are shown without a stack. */
export async function run(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof MaskRcnnError)) throw error;
    console.error(`${error.code}: ${error.message}`);
    process.exitCode = 1;
  }
}
