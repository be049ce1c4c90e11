import {readFileSync} from 'node:fs';
import {parseArgs} from 'node:util';
import {MaskRcnnError} from '../errors.js';
import {closest} from '../options-check.js';
import type {Progress} from '../progress.js';
import type {Command} from './command.js';
import {setup} from './setup.js';

const commands: readonly Command[] = [setup];

/** What the command line writes to: results on `out`, progress and errors on the other stream. */
export type Output = {out: (text: string) => void; progress: Progress};

/** Runs `maskrcnn` with the arguments after its name. Resolves to the exit code: 0, 1 for a failure, 2 for wrong usage. */
export async function runCli(args: readonly string[], {out, progress}: Output, signal: AbortSignal): Promise<number> {
  try {
    const [name, ...rest] = args;
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      out(overview());
      return name === undefined ? 2 : 0;
    }
    if (name === '--version') {
      out(packageVersion());
      return 0;
    }
    const command = findCommand(name);
    const {values, positionals} = parse(command, rest);
    if (values.help) out(command.help);
    else await command.run(values, positionals, {progress, signal});
    return 0;
  } catch (error) {
    progress.close();
    if (signal.aborted) {
      progress.say('Interrupted.');
      return 130;
    }
    // Only what a user can mend is told without a stack.
    progress.say(error instanceof MaskRcnnError ? `error: ${error.message}` : String((error as Error).stack ?? error));
    return error instanceof MaskRcnnError && error.code === 'INVALID_OPTION' ? 2 : 1;
  }
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

function parse(command: Command, args: string[]) {
  const options = {...command.options, help: {type: 'boolean', short: 'h'}} as const;
  const {tokens} = parseArgs({args, options, strict: false, allowPositionals: true, tokens: true});
  for (const token of tokens) {
    if (token.kind !== 'option' || Object.hasOwn(options, token.name)) continue;
    const near = closest(token.name, Object.keys(options));
    throw new MaskRcnnError('INVALID_OPTION', `maskrcnn ${command.name} has no option '${token.rawName}'.`, {
      hint: near === undefined ? `See \`maskrcnn ${command.name} --help\`.` : `Did you mean '--${near}'?`,
    });
  }
  try {
    return parseArgs({args, options, allowPositionals: true});
  } catch (cause) {
    throw new MaskRcnnError('INVALID_OPTION', (cause as Error).message, {cause});
  }
}

function overview(): string {
  const width = Math.max(...commands.map(({name}) => name.length));
  const list = commands.map(({name, summary}) => `  ${name.padEnd(width)}  ${summary}`).join('\n');
  return `Usage: maskrcnn COMMAND [OPTIONS]\n\n${list}\n\nSee \`maskrcnn COMMAND --help\`.`;
}

function packageVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}
