import {execFile} from 'node:child_process';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test from 'ava';
import sharp from 'sharp';
import {nodeArguments} from '../../program.js';

/** Side of the images. One has 1200 MB of pixels. */
const SIDE = 20_000;
/** Peak memory in MB that a process may have: Node.js with sharp, the cache, the regions, what is being decoded. */
const MEMORY = 600;
/** Milliseconds that the event loop may be held. Much more than the 10 of a turn, because tests share the processor. */
const HOLD = 500;

const colour = {r: 90, g: 90, b: 90};
const plain = () =>
  sharp({create: {width: SIDE, height: SIDE, channels: 3, background: colour}, limitInputPixels: false});
const files = {
  'tiles.tif': () => plain().tiff({tile: true, tileWidth: 512, tileHeight: 512, compression: 'lzw'}),
  'strips.tif': () => plain().tiff({tileHeight: 16, compression: 'lzw'}),
  'a.png': () => plain().png({compressionLevel: 1}),
};

for (const [name, encoder] of Object.entries(files)) {
  test.serial(`all of an image of 20,000 × 20,000 pixels in little memory: ${name}`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-large-test-'));
    t.teardown(() => rm(folder, {recursive: true, force: true}));
    const path = join(folder, name);
    await encoder().toFile(path);
    const {stdout} = await promisify(execFile)(process.execPath, [
      ...nodeArguments('test/image/regions/read-all.ts'),
      path,
    ]);
    const {megabytes, held, sum} = JSON.parse(stdout);
    t.log(`${Math.round(megabytes)} MB, held for ${Math.round(held)} ms`);
    // Regions of 1000 × 1000 pixels have 3 million numbers, of which 3000 are added up.
    t.is(sum, 20 * 20 * 3000 * colour.r);
    t.true(megabytes < MEMORY, `${megabytes} MB`);
    t.true(held < HOLD, `${held} ms`);
  });
}
