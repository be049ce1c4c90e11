import {readFileSync} from 'node:fs';
import {readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {cruise, type ICruiseResult, type IForbiddenRuleType} from 'dependency-cruiser';

/** Folders and their levels: a file may refer to its own folder and to folders of a lower level. */
export type Levels = ReadonlyMap<string, number>;

/** A reference that goes to the same level or up, or is part of a circle. */
export type Fault = {from: string; to: string; rule: string};

/** The table in docs/architecture.md below the heading `heading`. */
export function readLevels(document: string, heading: string): Levels {
  const text = readFileSync(document, 'utf8');
  const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0];
  if (section === undefined) throw new Error(`${document} has no section '${heading}'.`);
  return new Map(
    Array.from(section.matchAll(/^\| (\d+) \| `([^`]+)` \|/gm), ([, level, folder]) => [folder!, Number(level)]),
  );
}

/** Imports between the rooms of `root`/lib that break `levels`, and circles of files. */
export async function faultyImports(root: string, levels: Levels): Promise<Fault[]> {
  const forbidden: IForbiddenRuleType[] = [
    {name: 'circle', severity: 'error', from: {}, to: {circular: true}},
    {name: 'up', severity: 'error', from: {path: '^lib/[^/]+/'}, to: {path: '^lib/[^/]+$'}},
  ];
  for (const [room, level] of levels) {
    const others = [...levels].filter(([other, otherLevel]) => other !== room && otherLevel >= level);
    if (others.length === 0) continue;
    const above = others.map(([other]) => other).join('|');
    forbidden.push({
      name: 'up',
      severity: 'error',
      from: {path: `^lib/${room}/`},
      to: {path: `^lib/(${above})/`},
    });
  }
  const {output} = await cruise(['lib'], {
    baseDir: root,
    tsPreCompilationDeps: true, // types count: who imports one depends on where it lives
    doNotFollow: {path: 'node_modules'},
    validate: true,
    ruleSet: {forbidden},
  });
  const {violations} = (output as ICruiseResult).summary;
  return violations.map(({from, to, rule}) => ({from, to, rule: rule.name}));
}

/** Includes between the folders of `root`/native that break `levels`. */
export async function faultyIncludes(root: string, levels: Levels): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (const from of await sources(root)) {
    const [folder, level] = folderOf(from, levels);
    for (const to of includes(await readFile(join(root, 'native', from), 'utf8'), '"')) {
      if (!to.includes('/')) continue; // aten.h and its like, below all folders
      const [otherFolder, otherLevel] = folderOf(to, levels);
      if (otherFolder !== folder && otherLevel >= level) faults.push({from, to, rule: 'up'});
    }
  }
  return faults;
}

/** The folders of native/ whose files include Node-API. */
export async function foldersWithNodeApi(root: string): Promise<string[]> {
  const folders = new Set<string>();
  for (const file of await sources(root)) {
    const found = includes(await readFile(join(root, 'native', file), 'utf8'), '<');
    if (found.some((header) => /^(napi|node_api|js_native_api)/.test(header))) folders.add(file.split('/')[0]!);
  }
  return [...folders].sort();
}

async function sources(root: string): Promise<string[]> {
  const files = await readdir(join(root, 'native'), {recursive: true});
  return files
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /\.(h|cpp)$/.test(file) && file.includes('/'))
    .sort();
}

function includes(source: string, quote: '"' | '<'): string[] {
  return Array.from(source.matchAll(/^#include (["<])([^">]+)[">]/gm))
    .filter(([, opening]) => opening === quote)
    .map(([, , header]) => header!);
}

/** The longest folder of `levels` that `file` is in. */
function folderOf(file: string, levels: Levels): [folder: string, level: number] {
  const found = [...levels]
    .filter(([folder]) => file.startsWith(`${folder}/`))
    .sort(([a], [b]) => b.length - a.length)[0];
  if (found === undefined) throw new Error(`native/${file} is in no folder of docs/architecture.md.`);
  return found;
}
