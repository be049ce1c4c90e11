import {readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A fenced code block of a document. */
export type Block = {document: string; line: number; language: string; text: string};

/** The documents for users. */
export async function documents(): Promise<string[]> {
  const guides = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', ...guides.sort().map((name) => join('docs', name))];
}

/** Code spans in the text of a document. */
export async function codeSpansOf(document: string): Promise<{line: number; text: string}[]> {
  const text = await readFile(join(root, document), 'utf8');
  // Replace blocks by empty lines, so that line numbers stay the same.
  const prose = text.replace(/^```[\s\S]*?^```$/gm, (block) => block.replace(/[^\n]/g, ''));
  return prose
    .split('\n')
    .flatMap((line, i) => [...line.matchAll(/`([^`]+)`/g)].map(([, code]) => ({line: i + 1, text: code!})));
}

export async function blocksOf(document: string): Promise<Block[]> {
  const lines = (await readFile(join(root, document), 'utf8')).split('\n');
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const language = /^```(\w*)$/.exec(lines[i]!)?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', i + 1);
    blocks.push({document, line: i + 2, language, text: lines.slice(i + 1, end).join('\n')});
    i = end;
  }
  return blocks;
}
