import {MaskRcnnError} from '../basics/errors.js';
import type {Progress} from '../basics/progress.js';
import type {Schema} from '../basics/schema.js';
import {show} from '../basics/wording.js';

export type CommandContext = {
  /** Writes one line of results. */
  out: (text: string) => void;
  /** For progress and for messages that are not results. */
  progress: Progress;
  /** Aborted when the user presses Ctrl-C, or by SIGTERM or SIGHUP. */
  signal: AbortSignal;
};

/** How many positional arguments a command takes. */
export type Positionals = {
  min: number;
  max: number;
  /** Completes the sentence "maskrcnn NAME takes …". */
  expected: string;
  /** A suggestion of what was meant. Default: points to the command's help. */
  hint?: (given: readonly string[]) => string;
};

/** One command of `maskrcnn`. */
export type Command = {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** The complete text of `maskrcnn NAME --help`. */
  help(): string;
  /** The options by their camelCase names. `readFlags()` describes how they are written on the command line. */
  options: Schema;
  takes: Positionals;
  /** Runs the command with checked options and positional arguments. */
  run(options: Record<string, unknown>, positionals: readonly string[], context: CommandContext): Promise<void>;
};

/** Ends the command with a code, without a message: another process has told the error. */
export class AlreadyTold extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`Ended with code ${exitCode}.`);
    this.exitCode = exitCode;
  }
}

export const ONE_DATA: Positionals = {min: 1, max: 1, expected: 'one DATA'};

/** Throws INVALID_OPTION if there are too few or too many arguments. */
export function checkPositionals({name, takes}: Command, given: readonly string[]): void {
  const {min, max, expected, hint = () => `See \`maskrcnn ${name} --help\`.`} = takes;
  if (given.length >= min && given.length <= max) return;
  const got = given.length === 0 ? 'none' : given.map(show).join(', ');
  throw new MaskRcnnError('INVALID_OPTION', `maskrcnn ${name} takes ${expected}, got ${got}.`, {hint: hint(given)});
}

/**
 * Whether `error` is the reason of the aborted `signal` or was caused by it, like Node's own abort errors. Any other
 * error after the abort, such as a full disk, is a real failure and must be reported.
 */
export function isInterruption(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  for (let cause = error; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined) {
    if (cause === signal.reason) return true;
  }
  return false;
}
