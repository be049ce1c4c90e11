import type {Schema} from '../options-check.js';
import type {Progress} from '../progress.js';

export type CommandContext = {
  /** Writes a line of results. */
  out: (text: string) => void;
  /** Progress and what else is not the result. */
  progress: Progress;
  /** Aborted when the user presses Ctrl-C. */
  signal: AbortSignal;
};

/** One command of `maskrcnn`. */
export type Command = {
  name: string;
  /** One line, for the list of commands. */
  summary: string;
  /** The whole text of `maskrcnn NAME --help`. */
  help: string;
  /** By their names in camelCase; `readFlags()` says how they are written. */
  options: Schema;
  run(options: Record<string, unknown>, positionals: readonly string[], context: CommandContext): Promise<void>;
};
