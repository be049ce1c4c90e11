import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import sharp from 'sharp';
import type {MaskRcnn} from '../../lib/index.js';
import type {ServeOptions} from '../../lib/serve/options.js';
import {type PredictionServer, serve} from '../../lib/serve/serve.js';
import {formulaModel, images, type Pixels} from '../onnx/networks.js';

/** A folder, a network, and the weights of it in that folder. */
export type Weights = {folder: string; model: MaskRcnn; file: string; remove: () => void};

/** A network whose scores are spread well apart, and its weights. */
export async function formulaWeights(): Promise<Weights> {
  const folder = mkdtempSync(join(tmpdir(), 'maskrcnn-serve-'));
  const model = await formulaModel('resnet18');
  const file = join(folder, 'cells.safetensors');
  await model.save(file);
  const remove = () => {
    model.dispose();
    rmSync(folder, {recursive: true, force: true});
  };
  return {folder, model, file, remove};
}

/** A server on a free port until the end of the test. */
export async function started(
  t: ExecutionContext,
  weights: string | readonly string[],
  options: ServeOptions = {},
): Promise<PredictionServer> {
  const server = await serve(weights, {port: 0, ...options});
  t.teardown(() => server.close());
  return server;
}

export function png({data, width, height}: Pixels): Promise<Buffer> {
  return sharp(data, {raw: {width, height, channels: 3}})
    .png()
    .toBuffer();
}

/** An image with several objects. */
export const cells = images[8]!;

/** What a server refuses with. */
export type Refusal = {status: number; code: string; message: string; hint?: string};

/** Asserts that an answer is a refusal: one sentence, with a status that is that of HTTP. */
export async function refused(t: ExecutionContext, response: Response, status: number, code: string): Promise<Refusal> {
  const problem = (await response.json()) as Refusal;
  t.is(response.status, status, JSON.stringify(problem));
  t.like(problem, {status, code});
  t.regex(problem.message, /^[^\n]+\.$/);
  t.is(response.headers.get('content-type'), 'application/json; charset=utf-8');
  return problem;
}

/** What a gauge or counter of the metrics says, all labels together. */
export async function metric(url: string, name: string): Promise<number> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
  return lines.filter((line) => line.startsWith(name)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Waits until a check is true. */
export async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 20));
}
