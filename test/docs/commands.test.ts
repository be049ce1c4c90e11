import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {type Block, blocksOf, documents, root} from './blocks.js';
import {type Command, commandsOf, ELSEWHERE, runCommand, smaller} from './commands.js';
import {makeWorld} from './world.js';

const all = await documents();
const blocks: readonly Block[] = (await Promise.all(all.map(blocksOf))).flat();
const commands: readonly Command[] = (await Promise.all(all.map((name) => commandsOf(name, blocks)))).flat();

let folder: string;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-commands-'));
  await makeWorld(folder);
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

const elsewhere = (command: string) => ELSEWHERE.find(([pattern]) => pattern.test(command));

test('scripts that the documents name are there, and each reason for running a command elsewhere is in use', async (t) => {
  const {scripts} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  t.true(here.length > 20, `${here.length} commands`);
  for (const {document, line, command} of commands) {
    for (const [, name] of command.matchAll(/\bnpm run ([\w:-]+)/g))
      t.true(name! in scripts, `${document}:${line}: ${name}`);
  }
  const used = new Set(commands.map(({command}) => elsewhere(command)));
  t.deepEqual(
    ELSEWHERE.filter((entry) => !used.has(entry)).map(([pattern]) => String(pattern)),
    [],
  );
});

const here = commands.filter(({command}) => elsewhere(command) === undefined);

/** Commands whose result does not depend on those before: they run once, however often they are written. */
const ALWAYS_THE_SAME = /^(?:npx )?(maskrcnn (?:doctor|\S+ --help))$/;
const ran = new Map<string, Promise<string>>();

function run(command: string): Promise<string> {
  const name = ALWAYS_THE_SAME.exec(command)?.[1];
  if (name === undefined) return runCommand(folder, command);
  if (!ran.has(name)) ran.set(name, runCommand(folder, command));
  return ran.get(name)!;
}

for (const document of new Set(here.map(({document}) => document))) {
  test.serial(`the commands of ${document} run, but for those that are run elsewhere`, async (t) => {
    for (const {line, command} of here.filter((one) => one.document === document)) {
      await t.notThrowsAsync(run(command), `${document}:${line}: ${command}`);
    }
  });
}

test.serial('every file of a run is in the list of the guide to training', async (t) => {
  const guide = await readFile(join(root, 'docs', 'training.md'), 'utf8');
  const [, table] = /^## The folder of a run\n(.*?)^## /ms.exec(guide)!;
  const listed = new Set([...table!.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  const left = await readdir(join(folder, 'runs', 'train'), {recursive: true, withFileTypes: true});
  const names = left
    .filter((entry) => entry.isFile())
    .map(({parentPath, name}) => {
      const path = join(parentPath, name).slice(join(folder, 'runs', 'train').length + 1);
      return path.replace(/(?<=tfevents\.).*/, '*').replace(/(?<=step-|epoch-)\d+(?=\.png)/, '1');
    });
  t.true(names.includes('report.html'));
  t.deepEqual(
    names.filter((name) => !listed.has(name)),
    [],
  );
});

test.serial('every example of a command’s help runs', async (t) => {
  const overview = await runCommand(folder, 'maskrcnn --help');
  const names = [...overview.matchAll(/^ {2}([a-z-]+) {2}/gm)].map(([, name]) => name!);
  t.true(names.includes('train') && names.includes('report') && names.includes('convert-data'));
  let count = 0;
  for (const name of names) {
    const help = await run(`maskrcnn ${name} --help`);
    for (const [, command] of help.matchAll(/^ {2}((?:npx )?maskrcnn \S.*)$/gm)) {
      if (elsewhere(command!)) continue;
      await t.notThrowsAsync(run(command!), `${name} --help: ${command}`);
      count++;
    }
  }
  t.true(count > 10, `${count} examples`);
});

test.serial('every configuration file does what its first line says', async (t) => {
  const files = blocks.filter(({language}) => language === 'yaml');
  t.true(files.length > 0);
  for (const {document, line, text} of files) {
    const [, command, name] = /^# (npx maskrcnn .*--config (\S+).*)$/m.exec(text)!;
    await writeFile(join(folder, name!), smaller(text));
    await t.notThrowsAsync(runCommand(folder, command!), `${document}:${line}`);
  }
});
