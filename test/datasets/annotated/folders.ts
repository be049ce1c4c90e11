import {existsSync} from 'node:fs';
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';
import sharp from 'sharp';

/** A temporary folder with these files. Objects are written as JSON; 'WIDTHxHEIGHT' is a grey image of this size. */
export async function folderOf(t: ExecutionContext, files: Record<string, unknown>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-annotated-'));
  t.teardown(() => rm(folder, {recursive: true}));
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), {recursive: true});
    const [, width, height] = /^(\d+)x(\d+)$/.exec(String(content)) ?? [];
    if (width !== undefined) {
      const create = {width: Number(width), height: Number(height), channels: 3, background: '#808080'} as const;
      await sharp({create}).toFile(path);
    } else {
      const isFile = typeof content === 'string' || content instanceof Uint8Array;
      await writeFile(path, isFile ? content : JSON.stringify(content));
    }
  }
  return folder;
}

/** Path of real exports in the folder of shared data; undefined, with a word in the log, where it is absent. */
export function realExport(t: ExecutionContext, name: string): string | undefined {
  const path = fileURLToPath(new URL(`../../../../shared/data/annotations/${name}`, import.meta.url));
  if (existsSync(path)) return path;
  t.log(`skipped: no annotations/${name} here`);
  t.pass();
  return undefined;
}
