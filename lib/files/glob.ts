import {Minimatch} from 'minimatch';

/**
 * Whether a file name matches `pattern`: `*` (any characters), `?` (one), `[a-c]` and `[!a-c]` (one of a set), `{a,b}`
 * (either). Case matters, and `*` matches a leading dot.
 */
export function globMatcher(pattern: string): (name: string) => boolean {
  const matcher = new Minimatch(pattern, {dot: true, noext: true, nonegate: true, nocomment: true});
  return (name) => matcher.match(name);
}
