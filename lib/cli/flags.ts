import {parseArgs} from 'node:util';
import {MaskRcnnError} from '../basics/errors.js';
import {fromText} from '../basics/option-text.js';
import {checkOptions, type Rule, type Schema} from '../basics/schema.js';
import {closest} from '../basics/wording.js';

/** The name of an option on the command line: `batch-size` for `batchSize`. */
export function flagName(option: string): string {
  return option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * Reads the arguments of a command. Its options are those of `schema` in kebab-case, such as `--batch-size 4`.
 *
 * If an option accepts text, its value is text. Otherwise the value is read as YAML, such as numbers, `true`, `null`,
 * `[1, 2]` or `{type: adamw}`, and failing that as a list separated by commas. Repeating an option makes a list. A
 * boolean option needs no value: `--ema`, `--no-ema`. If it accepts the next argument, that is its value: `--resume
 * auto` and `--ema '{decay: 0.99}'`, but not `--ema DATA`. Throws INVALID_OPTION.
 */
export function readFlags(
  args: readonly string[],
  schema: Schema,
  where: string,
): {options: Record<string, unknown>; positionals: string[]} {
  const byFlag = new Map(Object.entries(schema).map(([name, rule]) => [flagName(name), {name, rule}]));
  const config = [...byFlag].map(
    ([flag, {rule}]) => [flag, {type: rule.accepts(true) ? 'boolean' : 'string'}] as const,
  );
  const {tokens} = parseArgs({
    args: [...args],
    options: Object.fromEntries(config),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });

  const positionals: string[] = [];
  const given = new Map<string, (string | boolean)[]>();
  const taken = new Set<unknown>();
  for (const [i, token] of tokens.entries()) {
    if (token.kind === 'positional' && !taken.has(token)) positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = byFlag.get(token.name);
    const negated = byFlag.get(token.name.replace(/^no-/, ''));
    const known = flag ?? negated;
    if (known === undefined) throw unknownFlag(token.rawName, [...byFlag.keys()], where);
    const isSwitch = known.rule.accepts(true);
    if (token.value === undefined && !isSwitch) {
      throw new MaskRcnnError('INVALID_OPTION', `${token.rawName} of ${where} needs a value: ${known.rule.expected}.`);
    }
    const next = tokens[i + 1];
    const isValue = flag && token.value === undefined && next?.kind === 'positional' && takes(known.rule, next.value);
    if (isValue) taken.add(next);
    const value = isValue ? next.value : (token.value ?? flag !== undefined);
    given.set(known.name, [...(given.get(known.name) ?? []), value]);
  }

  const options = Object.fromEntries([...given].map(([name, values]) => [name, chosen(values, schema[name]!)]));
  checkOptions(options, schema, where);
  return {options, positionals};
}

/** Throws INVALID_OPTION if `options` has one of `names`, which `where` would ignore. */
export function refuseFlags(
  options: Record<string, unknown>,
  names: readonly string[],
  {where, hint}: {where: string; hint: string},
): void {
  const given = names.find((name) => options[name] !== undefined);
  if (given === undefined) return;
  throw new MaskRcnnError('INVALID_OPTION', `${where} takes no --${flagName(given)}.`, {hint});
}

function chosen(values: readonly (string | boolean)[], rule: Rule): unknown {
  const last = values.at(-1)!;
  return typeof last === 'boolean' ? last : fromText(values.map(String), rule);
}

/** Whether the text can be the value of an option. */
function takes(rule: Rule, text: string): boolean {
  return rule.accepts(fromText([text], rule));
}

function unknownFlag(flag: string, known: readonly string[], where: string): MaskRcnnError {
  const near = closest(flag.replace(/^-+/, ''), known);
  return new MaskRcnnError('INVALID_OPTION', `${where} has no option '${flag}'.`, {
    hint: near === undefined ? `See \`${where} --help\`.` : `Did you mean '--${near}'?`,
  });
}
