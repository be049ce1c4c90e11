import type {ParseArgsConfig} from 'node:util';
import type {Progress} from '../progress.js';

export type CommandContext = {
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
  options: NonNullable<ParseArgsConfig['options']>;
  run(values: Record<string, unknown>, positionals: string[], context: CommandContext): Promise<void>;
};
