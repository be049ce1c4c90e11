import {MaskRcnnError} from '../basics/errors.js';
import {packageVersion} from '../basics/package-version.js';
import type {Progress} from '../basics/progress.js';
import {closest} from '../basics/wording.js';
import {AlreadyTold, type Command, checkPositionals, isInterruption} from './command.js';
import {compare} from './commands/compare.js';
import {convert} from './commands/convert.js';
import {convertData} from './commands/convert-data.js';
import {doctor} from './commands/doctor.js';
import {evaluate} from './commands/evaluate.js';
import {exportCommand} from './commands/export.js';
import {inspect} from './commands/inspect.js';
import {joinCommand} from './commands/join.js';
import {predict} from './commands/predict.js';
import {report} from './commands/report.js';
import {serveCommand} from './commands/serve.js';
import {setup} from './commands/setup.js';
import {train} from './commands/train.js';
import {readFlags} from './flags.js';
import {inFlagSpelling} from './option-spelling.js';

export const commands: readonly Command[] = [
  setup,
  doctor,
  inspect,
  train,
  predict,
  joinCommand,
  evaluate,
  compare,
  convertData,
  convert,
  exportCommand,
  serveCommand,
  report,
];

/** The outputs of the command line: results go to `out`, progress and errors to `progress`. */
export type Output = {out: (text: string) => void; progress: Progress};

/**
 * Runs `maskrcnn` with its arguments. Resolves to the exit code: 0 for success, 1 for a failure, 2 for wrong usage, 130
 * for an interruption.
 */
export async function runCli(args: readonly string[], {out, progress}: Output, signal: AbortSignal): Promise<number> {
  let command: Command | undefined;
  try {
    const [name, ...rest] = args;
    if (name === undefined || name === 'help' || isHelp(name)) {
      out(rest[0] === undefined || isHelp(rest[0]) ? overview() : findCommand(rest[0]).help());
      return name === undefined ? 2 : 0;
    }
    if (name === '--version') {
      out(packageVersion());
      return 0;
    }
    command = findCommand(name);
    if (rest.some(isHelp)) {
      out(command.help());
      return 0;
    }
    const {options, positionals} = readFlags(rest, command.options, `maskrcnn ${command.name}`);
    checkPositionals(command, positionals);
    await command.run(options, positionals, {out, progress, signal});
    return 0;
  } catch (error) {
    progress.close();
    if (error instanceof AlreadyTold) return error.exitCode;
    if (isInterruption(error, signal)) {
      progress.say('Interrupted.');
      return 130;
    }
    // Show no stack for errors that the user can fix.
    progress.say(
      error instanceof MaskRcnnError ? `error: ${messageFor(error, command)}` : String((error as Error).stack ?? error),
    );
    return error instanceof MaskRcnnError && error.code === 'INVALID_OPTION' ? 2 : 1;
  }
}

/** The message with options as flags. Those of a configuration file, in YAML or JSON, are spelt as there. */
function messageFor({code, file, message}: MaskRcnnError, command: Command | undefined): string {
  // checkOptions() names what the options are of. An image may be called NAME.json, too.
  const isOfFile = file !== undefined && (message.startsWith(file) || message.includes(` of ${file} `));
  const isOfConfiguration = code === 'INVALID_OPTION' && isOfFile && /\.(ya?ml|json)$/i.test(file);
  if (command === undefined || isOfConfiguration) return message;
  return inFlagSpelling(message, command.options, `maskrcnn ${command.name}`);
}

function isHelp(argument: string): boolean {
  return argument === '--help' || argument === '-h';
}

function findCommand(name: string): Command {
  const command = commands.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const names = commands.map((candidate) => candidate.name);
  const near = closest(name, names);
  throw new MaskRcnnError('INVALID_OPTION', `maskrcnn has no command '${name}'.`, {
    hint: near === undefined ? `Its commands: ${names.join(', ')}.` : `Did you mean '${near}'?`,
  });
}

function overview(): string {
  const width = Math.max(...commands.map(({name}) => name.length));
  const list = commands.map(({name, summary}) => `  ${name.padEnd(width)}  ${summary}`).join('\n');
  return `Usage: maskrcnn COMMAND [OPTIONS]\n\n${list}\n\nSee \`maskrcnn COMMAND --help\`.`;
}
