import {readFileSync} from 'node:fs';
import {extname} from 'node:path';
import {fileURLToPath} from 'node:url';

/**
 * What the comments say on the members of `type` in `lib/MODULE`, by name: so that an option is explained in one place, for
 * programs and for the command line. Compiled, the declarations beside the module have them; run as TypeScript, its source.
 */
export function docComments(module: string, type: string): Map<string, string> {
  const extension = extname(fileURLToPath(import.meta.url)) === '.ts' ? '.ts' : '.d.ts';
  const text = readFileSync(new URL(`../${module}${extension}`, import.meta.url), 'utf8');
  const [, body] = new RegExp(`^export type ${type} = \\{$(.*?)^\\};$`, 'ms').exec(text)!;
  const members = body!.matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\s*(\w+)\??:/gs);
  return new Map(
    Array.from(members, ([, comment, name]) => [
      name!,
      comment!
        .replaceAll(/\n\s*\*/g, ' ')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    ]),
  );
}
