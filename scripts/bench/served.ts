import {spawn} from 'node:child_process';
import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import sharp from 'sharp';
import {maskRcnn} from '../../lib/index.js';

/** The arguments of Node.js for a program of this package, from its source. */
export const program = (path: string) => ['--import=tsx', fileURLToPath(new URL(path, import.meta.url))];

/** A file of ResNet-50 in `folder` that finds as many objects as there may be. */
export async function randomWeights(folder: string): Promise<string> {
  const file = join(folder, 'weights.safetensors');
  await using model = await maskRcnn({numClasses: 91, boxScoreThresh: 0, device: 'cpu'});
  await model.save(file);
  return file;
}

/** Drawn waves with some noise, another one for each index, as RGB. */
export function waves(width: number, height: number, index = 0) {
  const data = new Uint8Array(width * height * 3);
  const across = Float64Array.from({length: width}, (_, x) => 100 * Math.sin((x + 40 * index) / 23));
  for (let y = 0, i = 0; y < height; y++) {
    const along = Math.cos(y / 31);
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++, i++) data[i] = 128 + across[x]! * along + ((i * 7919) & 15);
    }
  }
  return sharp(data, {raw: {width, height, channels: 3}, limitInputPixels: false});
}

/** `maskrcnn serve` as a process of its own, on a free port. */
export async function startServer(weights: string, flags: readonly string[] = []) {
  const args = [...program('../../lib/cli/main.ts'), 'serve', weights, '--port', '0', ...flags];
  const child = spawn(process.execPath, args, {stdio: ['ignore', 'pipe', 'inherit']});
  const closed = new Promise((resolve) => child.once('close', resolve));
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`The server has ended. ${said}`)));
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
      const [, address] = /at (http:\S+)\. /.exec(said) ?? [];
      if (address !== undefined) resolve(address);
    });
  });
  return {
    url,
    pid: child.pid!,
    /** The metrics without labels, by name. */
    async metrics(): Promise<Map<string, number>> {
      const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
      return new Map(
        lines.filter((line) => /^\w+ /.test(line)).map((line) => [line.split(' ')[0]!, Number(line.split(' ')[1])]),
      );
    },
    /** The most memory that was resident since the last call, in bytes. Linux only. */
    async peak(): Promise<number> {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      await writeFile(`/proc/${child.pid}/clear_refs`, '5');
      return 1024 * Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await closed; // perhaps long ago
    },
  };
}
