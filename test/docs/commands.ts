import {execFile} from 'node:child_process';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {type Block, codeSpansOf} from './blocks.js';

/** A command in a document, and its position. */
export type Command = {document: string; line: number; command: string};

/**
 * Makes commands feasible for a test: nothing is downloaded, and nothing runs for minutes. Image sizes come from
 * `start.safetensors`.
 */
const SMALLER: readonly [RegExp, string][] = [
  [/'COCO_V1'/g, "'start.safetensors'"],
  [/\bCOCO_V1\b/g, 'start.safetensors'],
  [/backbone: 'resnet50', /g, ''],
  [/epochs: \d+/g, 'epochs: 1'],
  [/--epochs \d+/g, '--epochs 1'],
  [/--seed S --precision P\b/g, '--seed 1'],
  // Without AVX-512 libtorch takes minutes for what takes seconds in float32.
  [/--precision bfloat16/g, '--precision float32'],
  [/split\(50 \//g, 'split(2 /'],
  [
    /\btsx examples\/glas\.ts (\S+) --weights-backbone \S+/g,
    'tsx examples/glas.ts $1 --weights start.safetensors --epochs 1 --min-size 80 --precision float32',
  ],
  [
    /\btsx examples\/penn-fudan\.ts (\S+)/g,
    'tsx examples/penn-fudan.ts $1 --weights start.safetensors --held-out 2 --min-size 96',
  ],
  [/--weights-backbone IMAGENET1K_V1\b/g, '--weights-backbone backbone.safetensors --epochs 1 --min-size 96'],
  [/^((?:npx )?maskrcnn train .*--weights start\.safetensors)$/g, '$1 --epochs 1'],
  [/--rounds \d+/g, '--rounds 1'],
  [/\bCOMMAND --help/g, 'train --help'],
];

/** Commands that are not run here, with the reason. */
export const ELSEWHERE: readonly [RegExp, string][] = [
  [/^npm (install$|test$|run lint$)/, 'continuous integration installs (by npm ci), lints and tests a clean checkout'],
  [/^npm (install && npm )?run demo$/, 'test/examples runs the program, on fewer images'],
  [/^npm install \S/, 'it needs a registry; test/scripts tries the package as it is installed'],
  [/^npm run prebuild( && npm pack)?$/, 'test/scripts packs a prebuilt addon and runs a program with it'],
  [/^npm run docs$/, 'lint makes the reference without writing it'],
  [/\bnpm run build:addon$/, 'npm test begins with it; with a LIBTORCH of its own it compiles for minutes'],
  [/^cmake /, 'it compiles the whole addon, which npm test does by cmake-js'],
  [/^npm run check:binding$/, 'test/scripts holds the contract against the addon'],
  [/\bnpm run check:gpu\b/, 'it needs a GPU'],
  [/\bnpm run bench( |$)/, 'it measures networks of full size for many minutes, with --peer beside torchvision'],
  [/^npm run bench:(evaluation|coco-open) /, 'it makes data of full size and wants pycocotools beside it'],
  [/^npm run bench:busy( |$)/, 'it keeps all cores busy for many minutes'],
  [/^npm run bench:memory( |$)/, 'it trains networks of full size for many minutes'],
  [/^npm run bench:objects /, 'it trains on thousands of objects for many minutes, and wants torchvision beside it'],
  [/^npm run bench:tiles /, 'it predicts thousands of tiles, and wants torchvision beside it'],
  [/^npx tsx scripts\/mosaics\.ts /, 'it wants a network that was trained on GlaS, and predicts for minutes'],
  [/^npm run bench:onnx /, 'it runs networks of full size for minutes, and wants torchvision beside it'],
  [/^npm run bench:operators /, 'it runs a network of full size for minutes, and wants torchvision beside it'],
  [/^(UPDATE_API=1 )?npx ava /, 'it is how these tests are run'],
  [/^npx tsx scripts\/weights-roundtrip\.ts /, 'python.test.ts runs it where there is a Python for it'],
  [/^(npx )?maskrcnn setup( (?!--help)|$)/, 'test/libtorch sets up from wheels of its own: this would fetch 200 MB'],
  [/^(sudo |apt-get )/, 'it needs an administrator'],
  [/^torchrun /, 'test/cli starts processes by torchrun, where there is a Python with PyTorch'],
  [/^(RANK=0 .*)?maskrcnn train DATA/, 'DATA stands for data; test/cli trains with several processes'],
  [/^npm run check:doubt( |$)/, 'it trains twice for minutes, on GlaS'],
  [/^npm run check:kills( |$)/, 'it kills processes for many minutes; test/distributed does so twice'],
  [/^npx tsx scripts\/scaling-model\.ts$/, 'test/scripts compares its table with that of the page'],
  [/^npm run bench:distributed/, 'it trains networks of full size for minutes'],
  [/^([A-Z_]+=\S+ )?(npx )?maskrcnn serve (?!--help)/, 'it runs until it is ended; test/cli starts and ends it'],
  [/^curl /, 'it asks a server that runs; test/serve asks one'],
  [/^npm run check:openapi/, 'it needs the registry of npm'],
  [/^npm run bench:serve/, 'it keeps a server busy for many minutes'],
  [/^pip download$/, 'test/libtorch has a stand-in for pip'],
];

/** In a sentence, `maskrcnn NAME` refers to the command itself. */
const NAME_ALONE = /^(?:npx )?maskrcnn ([a-z-]+)$/;
const PROGRAMS = /^(?:[A-Z_]+=\S+ )*(?:npx|npm|maskrcnn|python3|cmake|pip|sudo|apt-get) \S/;

/** The commands of a document in order: the lines of its blocks, and the code spans in its text. */
export async function commandsOf(document: string, blocks: readonly Block[]): Promise<Command[]> {
  const inBlocks = blocks
    .filter((block) => block.document === document && block.language === 'sh')
    .flatMap(({line, text}) => text.split('\n').map((command, i) => ({line: line + i, command})));
  const inText = (await codeSpansOf(document))
    .filter(({text}) => PROGRAMS.test(text))
    .map(({line, text}) => ({
      line,
      command: text.replace(NAME_ALONE, (all, name) => (runsAlone(name) ? all : `${all} --help`)),
    }));
  return [...inBlocks, ...inText]
    .sort((a, b) => a.line - b.line)
    .map(({line, command}) => ({document, line, command: command.replace(/ +#.*$/, '')}));
}

const runsAlone = (name: string) => ['setup', 'doctor'].includes(name);

/** The text with all replacements that make it feasible for a test. */
export const smaller = (text: string): string =>
  SMALLER.reduce((result, [pattern, by]) => result.replace(pattern, by), text);

/** An environment in which `npx`, `npm` and `maskrcnn` are those of `makeWorld()`. */
export const envOf = (folder: string) => ({...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}`});

/** Removes the folders that a text will write data sets to, and those of runs that it will start, not resume. */
export async function makeRoom(folder: string, text: string): Promise<void> {
  for (const [, path] of text.matchAll(/(?:convert-data \S+ |convertDataset\(.*, ')([\w-]+)/g)) {
    await rm(join(folder, path!), {recursive: true, force: true});
  }
  if (/--resume\b/.test(text)) return;
  for (const [, path] of text.matchAll(/(?:output: '|train .*--output )(runs\/[\w-]+)/g)) {
    await rm(join(folder, path!), {recursive: true, force: true});
  }
}

/** Runs a command in `folder` as a reader would, but on a smaller scale. */
export async function runCommand(folder: string, command: string): Promise<string> {
  await makeRoom(folder, command);
  const {stdout} = await promisify(execFile)('bash', ['-euc', smaller(command)], {cwd: folder, env: envOf(folder)});
  return stdout;
}
