import {MaskRcnnError} from '../basics/errors.js';
import type {Progress} from '../basics/progress.js';
import type {Schema} from '../basics/schema.js';
import {show} from '../basics/wording.js';

export type CommandContext = {
  /** Writes a line of results. */
  out: (text: string) => void;
  /** Progress and what else is not the result. */
  progress: Progress;
  /** Aborted when the user presses Ctrl-C. */
  signal: AbortSignal;
};

/** How many arguments a command takes that are no options. */
export type Positionals = {
  min: number;
  max: number;
  /** Completes the sentence "maskrcnn NAME takes …". */
  expected: string;
  /** What may have been meant instead. Default: where to read about it. */
  hint?: (given: readonly string[]) => string;
};

/** One command of `maskrcnn`. */
export type Command = {
  name: string;
  /** One line, for the list of commands. */
  summary: string;
  /** The whole text of `maskrcnn NAME --help`. */
  help(): string;
  /** By their names in camelCase; `readFlags()` says how they are written. */
  options: Schema;
  takes: Positionals;
  /** Runs with options and positionals that have been checked. */
  run(options: Record<string, unknown>, positionals: readonly string[], context: CommandContext): Promise<void>;
};

export const ONE_DATA: Positionals = {min: 1, max: 1, expected: 'one DATA'};

/** Throws INVALID_OPTION where `given` are too few or too many. */
export function checkPositionals({name, takes}: Command, given: readonly string[]): void {
  const {min, max, expected, hint = () => `See \`maskrcnn ${name} --help\`.`} = takes;
  if (given.length >= min && given.length <= max) return;
  const got = given.length === 0 ? 'none' : given.map(show).join(', ');
  throw new MaskRcnnError('INVALID_OPTION', `maskrcnn ${name} takes ${expected}, got ${got}.`, {hint: hint(given)});
}

/**
 * Whether `error` is the reason of the aborted `signal`, or was caused by it, as Node's own errors for an abort are. Another one
 * that came after the abort, such as that of a full disk, is a failure that must be told.
 */
export function isInterruption(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  for (let cause = error; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined) {
    if (cause === signal.reason) return true;
  }
  return false;
}
