/**
 * A matcher for file names: `*` (any characters), `?` (one), `[a-c]` and `[!a-c]` (one of a set), `{a,b}` (either). All else
 * stands for itself. Upper and lower case differ.
 */
export function globToRegExp(glob: string): RegExp {
  let pattern = '';
  let depth = 0;
  for (let i = 0; i < glob.length; i++) {
    const char = glob[i]!;
    const close = glob.indexOf(']', i + 2);
    if (char === '*') pattern += '.*';
    else if (char === '?') pattern += '.';
    else if (char === '[' && close > 0) {
      const set = glob.slice(i + 1, close).replaceAll(/[\\\]^]/g, '\\$&');
      pattern += set.startsWith('!') ? `[^${set.slice(1)}]` : `[${set}]`;
      i = close;
    } else if (char === '{' && glob.indexOf('}', i) > 0) {
      pattern += '(?:';
      depth++;
    } else if (char === '}' && depth > 0) {
      pattern += ')';
      depth--;
    } else if (char === ',' && depth > 0) pattern += '|';
    else pattern += char.replace(/[$()*+.?[\\\]^{|}]/, '\\$&');
  }
  return new RegExp(`^${pattern}${')'.repeat(depth)}$`, 's');
}
