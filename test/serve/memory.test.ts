import {spawn} from 'node:child_process';
import {readFileSync, writeFileSync} from 'node:fs';
import test from 'ava';
import sharp from 'sharp';
import {nodeArguments} from '../program.js';
import {formulaWeights} from './started.js';

// Elsewhere, nothing tells the most memory that a process had since a moment.
const onLinux = process.platform === 'linux' ? test : test.skip;

/** Pixels of the image, and their bytes as RGB. */
const SIDE = 8000;
const RGB = 3 * SIDE * SIDE;

onLinux('a large image takes a few times its pixels, and leaves next to nothing', async (t) => {
  t.timeout(120_000);
  const weights = await formulaWeights();
  t.teardown(weights.remove);
  const args = [...nodeArguments('lib/cli/main.ts'), 'serve', weights.file, '--port', '0'];
  const server = spawn(process.execPath, args, {stdio: ['ignore', 'pipe', 'inherit']});
  t.teardown(() => server.kill('SIGKILL'));
  let said = '';
  let url: string | undefined;
  for await (const text of server.stdout.setEncoding('utf8')) {
    said += text;
    url = /at (http:\S+)\. /.exec(said)?.[1];
    if (url !== undefined) break;
  }
  const memory = (name: 'VmRSS' | 'VmHWM') =>
    1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]);
  const create = (side: number) => sharp({create: {width: side, height: side, channels: 3, background: '#806040'}});
  const ask = async (image: Buffer, parameters: string) => {
    const response = await fetch(`${url}/predict?${parameters}`, {method: 'POST', body: new Uint8Array(image)});
    await response.arrayBuffer();
    t.is(response.status, 200);
  };
  const large = await create(SIDE).png({compressionLevel: 1}).toBuffer();
  const deep = await create(SIDE).toColourspace('rgb16').tiff({compression: 'lzw'}).toBuffer();
  await ask(await create(500).png().toBuffer(), 'format=csv');
  for (const [name, image, parameters, most] of [
    ['8 bits', large, 'format=csv', 4 * RGB],
    ['16 bits', deep, 'format=json', 6 * RGB], // the numbers are twice as many bytes
  ] as const) {
    const before = memory('VmRSS');
    writeFileSync(`/proc/${server.pid}/clear_refs`, '5'); // VmHWM counts from here
    await ask(image, parameters);
    const peak = memory('VmHWM') - before;
    let left = Infinity;
    for (let wait = 0; wait < 50 && left > RGB / 2; wait++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      left = memory('VmRSS') - before;
    }
    const text = `${name}: at most ${Math.round(peak / 1e6)} MB more, ${Math.round(left / 1e6)} MB left`;
    t.log(text);
    t.true(peak < most, text);
    t.true(left < RGB / 2, text);
  }
});
