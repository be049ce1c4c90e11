/**
 * Makes clients of /openapi.json with two generators, compiles them with their own TypeScript, and has each ask a
 * server for predictions. The generators come from the registry of npm, into a temporary folder.
 *
 *   npm run check:openapi
 */
import {execFile} from 'node:child_process';
import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {build} from 'esbuild';
import {maskRcnn} from '../lib/index.js';
import {serve} from '../lib/serve/serve.js';
import {waves} from './bench/served.js';

const PACKAGES = [
  'typescript@5.9.3',
  '@types/node@20.19.43',
  'openapi-typescript@7.13.0',
  'openapi-fetch@0.17.0',
  '@hey-api/openapi-ts@0.95.0',
];
const TOKEN = 'let me in';
const HEADERS = {authorization: `Bearer ${TOKEN}`};

const CLIENTS = {
  'openapi-fetch.ts': `
import {readFile} from 'node:fs/promises';
import createClient from 'openapi-fetch';
import type {paths} from './schema.js';
const [url, image] = process.argv.slice(2) as [string, string];
// Of several formats of answers, JSON is meant.
const client = createClient<paths, 'application/json'>({baseUrl: url, headers: ${JSON.stringify(HEADERS)}});
const body = (await readFile(image)) as unknown as string; // a file is text to this generator
const {data, error} = await client.POST('/predict', {
  params: {query: {scoreThreshold: 0, maxDetections: 1, tiles: 64, skipBlank: 'glass'}},
  body,
  bodySerializer: (bytes) => bytes,
  headers: {'content-type': 'application/octet-stream'},
});
if (error !== undefined) throw new Error(error.message);
const [{width, objects}] = data.images as [(typeof data.images)[number]];
const overlay = await client.POST('/predict', {
  params: {query: {format: 'overlay'}},
  body,
  bodySerializer: (bytes) => bytes,
  parseAs: 'blob',
});
const refused = await client.POST('/predict', {body, bodySerializer: (bytes) => bytes, params: {query: {model: 'nix'}}});
const health = await client.GET('/health');
console.log(JSON.stringify([width, objects.length, overlay.data?.type, refused.error?.code, health.data?.status]));
`,
  'hey-api.ts': `
import {readFile} from 'node:fs/promises';
import {client} from './hey/client.gen.js';
import {health, predict, viewImage} from './hey/sdk.gen.js';
const [url, image] = process.argv.slice(2) as [string, string];
client.setConfig({baseUrl: url, auth: ${JSON.stringify(TOKEN)}});
const body = new Blob([new Uint8Array(await readFile(image))]);
const query = {scoreThreshold: 0, maxDetections: 1, tiles: 64, skipBlank: 'glass'} as const;
const {data, error} = await predict({body, query});
if (data === undefined) throw new Error(JSON.stringify(error));
const [{width, objects}] = data.images as [(typeof data.images)[number]];
const seen = await viewImage({body});
const refused = await predict({body, query: {model: 'nix'}});
const alive = await health();
const type = seen.data instanceof Blob ? seen.data.type : seen.error;
console.log(JSON.stringify([width, objects.length, type, refused.error?.code, alive.data?.status]));
`,
};

const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-check-openapi-'));
const run = async (command: string, ...args: string[]) =>
  (await promisify(execFile)(command, args, {cwd: folder, maxBuffer: 1e8})).stdout;
try {
  const weights = join(folder, 'cells.safetensors');
  await using model = await maskRcnn({backbone: 'resnet18', numClasses: 3, boxScoreThresh: 0, device: 'cpu'});
  await model.save(weights);
  const image = join(folder, 'image.png');
  await waves(128, 96).png().toFile(image);
  await using server = await serve(weights, {port: 0, token: TOKEN, scoreThreshold: 0});

  await writeFile(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  await run('npm', 'install', '--no-audit', '--no-fund', ...PACKAGES);
  await writeFile(join(folder, 'openapi.json'), await (await fetch(`${server.url}/openapi.json`)).text());
  await run('npx', 'openapi-typescript', 'openapi.json', '-o', 'schema.ts');
  await run('npx', 'openapi-ts', '-i', 'openapi.json', '-o', 'hey');
  for (const [name, source] of Object.entries(CLIENTS)) await writeFile(join(folder, name), source);
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler'];
  await run('npx', 'tsc', ...options, ...Object.keys(CLIENTS));
  for (const name of Object.keys(CLIENTS)) {
    const outfile = join(folder, `${name}.mjs`);
    // One generator leaves out the extensions of its files, which Node.js does not.
    await build({entryPoints: [join(folder, name)], outfile, bundle: true, platform: 'node', format: 'esm'});
    const said = await run(process.execPath, outfile, server.url, image);
    console.log(`${name}: ${said.trim()}`);
    const [width, objects, type, code, status] = JSON.parse(said) as unknown[];
    if (
      width !== 128 ||
      !((objects as number) > 0) ||
      type !== 'image/png' ||
      code !== 'UNKNOWN_MODEL' ||
      status !== 'ok'
    ) {
      throw new Error(`${name} has other answers than those that were expected.`);
    }
  }
} catch (error) {
  const {stdout = '', stderr = ''} = error as {stdout?: string; stderr?: string};
  console.error(stdout, stderr);
  throw error;
} finally {
  await rm(folder, {recursive: true, force: true});
}
