import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readlinkSync} from 'node:fs';
import {mkdir, rm, writeFile} from 'node:fs/promises';
import {connect} from 'node:net';
import {hostname} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {runCli} from '../../lib/cli/run.js';
import {maskRcnn} from '../../lib/index.js';
import {temporaryFolder} from '../examples/run-example.js';
import {recordedProgress} from '../libtorch/fake-wheel.js';
import {nodeArguments} from '../program.js';
import {tinyModel} from '../tiny.js';
import {maskrcnn} from './maskrcnn.js';

let folder: string;
let weights: string;
test.before(async () => {
  folder = await temporaryFolder();
  weights = join(folder, 'cells.safetensors');
  await using model = await maskRcnn(tinyModel);
  await model.save(weights);
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

/** Starts `maskrcnn serve` and waits for its address. */
async function startServing(
  t: ExecutionContext,
  args: string[],
  env: Record<string, string> = {},
): Promise<{child: ChildProcess; url: string; said: () => string}> {
  const child = spawn(process.execPath, [...nodeArguments('lib/cli/main.ts'), 'serve', ...args, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {...process.env, ...env},
  });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  for (;;) {
    const [, url] = /at (http:\S+)\. Ctrl-C ends it\.\n/.exec(said) ?? [];
    if (url !== undefined) return {child, url, said: () => said};
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('maskrcnn serve says where it is, answers, and ends with 0 at SIGTERM', async (t) => {
  const {child, url, said} = await startServing(t, [weights]);
  const {models} = (await (await fetch(`${url}/models`)).json()) as {models: {name: string; classes: string[]}[]};
  t.like(models, {0: {name: 'cells', classes: ['blob']}, length: 1});
  child.kill('SIGTERM');
  t.deepEqual(await once(child, 'close'), [0, null]);
  t.is(said(), `Serving ${weights} at ${url}. Ctrl-C ends it.\nEnding after the requests that are being answered.\n`);
});

(process.platform === 'linux' ? test : test.skip)(
  'a server removes what a killed one has left, and does not wait a minute for half a request',
  async (t) => {
    const first = await startServing(t, [weights]);
    first.child.kill('SIGKILL');
    await once(first.child, 'close');
    const root = join(folder, 'temporary');
    const left = join(root, 'maskrcnn-serve-Ab3dEf');
    await mkdir(left, {recursive: true});
    await writeFile(join(left, 'image'), 'what was sent');
    await writeFile(
      join(left, 'owner'),
      `${first.child.pid} ${hostname()} ${readlinkSync('/proc/self/ns/pid')} 1000 -`,
    );
    const {child, url} = await startServing(t, [weights], {TMPDIR: root});
    t.false(existsSync(left));

    const {hostname: host, port} = new URL(url);
    const socket = connect({host, port: Number(port)}).on('error', () => {});
    let answer = '';
    socket.setEncoding('utf8').on('data', (text) => (answer += text));
    socket.write('POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf');
    await new Promise((resolve) => setTimeout(resolve, 500));
    const began = performance.now();
    child.kill('SIGTERM');
    t.deepEqual(await once(child, 'close'), [0, null]);
    const seconds = (performance.now() - began) / 1000;
    t.true(seconds > 4 && seconds < 30, `${seconds} s`);
    t.regex(answer, /^HTTP\/1\.1 503 .*SHUTTING_DOWN/s);
  },
);

test('the token of the environment is the server’s, and a flag goes before it', async (t) => {
  const status = async (url: string, token: string) =>
    (await fetch(`${url}/models`, {headers: {authorization: `Bearer ${token}`}})).status;
  const [one, two, open] = await Promise.all([
    startServing(t, [weights], {MASKRCNN_TOKEN: 'env'}),
    startServing(t, [weights, '--token', 'flag'], {MASKRCNN_TOKEN: 'env'}),
    startServing(t, [weights, '--no-token'], {MASKRCNN_TOKEN: 'env'}),
  ]);
  t.deepEqual([await status(one.url, 'env'), await status(one.url, 'flag')], [200, 401]);
  t.deepEqual([await status(two.url, 'env'), await status(two.url, 'flag')], [401, 200]);
  t.is((await fetch(`${open.url}/models`)).status, 200);
});

test('what cannot be served is refused in the words of the command line', async (t) => {
  t.deepEqual(await maskrcnn('serve', weights, '--host', '0.0.0.0'), {
    code: 2,
    out: '',
    err:
      'error: maskrcnn serve needs a token to listen on 0.0.0.0, which others can reach.\n' +
      'Set option --token, or option --no-token if whoever reaches the address may use it.\n',
  });
  t.like(await maskrcnn('serve', join(folder, 'nowhere.pth')), {code: 2});
  t.regex((await maskrcnn('serve')).err, /maskrcnn serve takes at least one WEIGHTS, got none/);
});

test('--threads reaches the network, of every command that computes', async (t) => {
  const {progress, text} = recordedProgress();
  const controller = new AbortController();
  const out = (line: string) => {
    if (line.startsWith('Serving')) controller.abort();
  };
  await runCli(['serve', weights, '--port', '0', '--threads', '65'], {out, progress}, controller.signal);
  t.regex(text(), /65 is more than the \d+ CPUs? that this process may use/);
  const image = fileURLToPath(new URL('../../docs/demo.png', import.meta.url));
  const {err} = await maskrcnn('predict', weights, image, '--output', join(folder, 'out'), '--threads', '65');
  t.regex(err, /65 is more than/);
});
