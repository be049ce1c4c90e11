import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {depthNotices, describeNotices, proposeRange, tellOnce} from '../../lib/image/notices.js';
import {readImage} from '../../lib/image/read-image.js';
import {readMask} from '../../lib/image/read-mask.js';
import {depthNotice} from './depth-notice.js';
import {writeGif} from './gif-writer.js';
import {writePng} from './png-writer.js';
import {writeTiff} from './tiff-writer.js';

let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-notices-'));
});
test.after.always(() => rm(folder, {recursive: true, force: true}));

async function file(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

/** What the notices of a file say, in both ways to read it. */
async function told(path: string): Promise<[image: string[], mask: string[]]> {
  const [image, mask] = await Promise.all([readImage(path), readMask(path)]);
  return [(image.notices ?? []).map(({what}) => what), (mask.notices ?? []).map(({what}) => what)];
}

test('16 bits: the upper 8 are read, and the range is told', async (t) => {
  const data = Uint16Array.from([152, 256, 1000, 1806]);
  for (const bytes of [
    writeTiff({width: 4, height: 1, data}),
    writeTiff({width: 4, height: 1, data}, {bigEndian: true}),
    writePng({width: 4, height: 1, bits: 16, value: (x) => data[x]!}),
    writePng({width: 4, height: 1, bits: 16, kind: 'rgb', value: (x) => data[x]!}),
    writePng({width: 4, height: 1, bits: 16, kind: 'greyAlpha', value: (x, _, c) => (c === 1 ? 65535 : data[x]!)}),
  ]) {
    const path = await file('camera', bytes);
    const image = await readImage(path);
    t.deepEqual([...image.data], [0, 0, 0, 1, 1, 1, 3, 3, 3, 7, 7, 7]);
    const what = 'has 16 bits per sample, values 152 to 1806 of 65535: read as 0 to 7 of 255, nearly black';
    t.deepEqual(image.notices, [{kind: 'depth', file: path, what, dark: true, values: [152, 1806]}]);
    t.is((await readMask(path)).notices, undefined); // a mask keeps all bits
  }
});

test('16 bits: as sharp turns them into 8, on every value', async (t) => {
  const png = writePng({width: 256, height: 256, bits: 16, value: (x, y) => y * 256 + x});
  const {data, notices} = await readImage(png, {name: 'all.png'});
  t.deepEqual(Buffer.from(data), await sharp(png).toColourspace('srgb').raw().toBuffer());
  t.is(notices![0]!.what, 'has 16 bits per sample, values 0 to 65535 of 65535: read as 0 to 255 of 255');
});

test('files with nothing to tell have no notices', async (t) => {
  const path = await file('plain.png', writePng({width: 2, height: 2, bits: 8, value: (x) => x}));
  t.false('notices' in (await readImage(path)));
  t.false('notices' in (await readMask(path)));
});

test('pages and frames after the first are told', async (t) => {
  const page = {width: 4, height: 2, data: new Uint8Array(8)};
  t.deepEqual(await told(await file('stack.tif', writeTiff([page, page, page]))), [['has 3 pages'], ['has 3 pages']]);
  const gif = await file('film.gif', writeGif({width: 4, height: 2, bits: 2, index: (x) => x, frames: 5}));
  t.deepEqual(await told(gif), [['has 5 frames'], ['has 5 frames']]);
  const raw = Uint8Array.from({length: 4 * 6 * 3}, (_, i) => i);
  const frames = sharp(raw, {raw: {width: 4, height: 6, channels: 3, pageHeight: 2}});
  const webp = await file('film.webp', await frames.webp({lossless: true}).toBuffer());
  t.deepEqual(await told(webp), [['has 3 frames'], ['has 3 frames']]);
});

test('pages of other sizes are told as such, as slides have them', async (t) => {
  const sizes = [64, 32, 16, 8, 4, 2];
  const pages = sizes.map((size) => ({width: size, height: size, data: new Uint8Array(size * size)}));
  const what = 'of different sizes, as of a pyramid: 64 × 64, then 32 × 32';
  t.deepEqual((await told(await file('two.tif', writeTiff(pages.slice(0, 2)))))[0], [`has 2 pages ${what}`]);
  const [, many] = await told(await file('slide.tif', writeTiff(pages)));
  t.deepEqual(many, [`has 6 pages ${what}, 16 × 16, 8 × 8, 4 × 4, …`]);
});

test('in words: one sentence for each kind, with a count and three examples, dark ones first', (t) => {
  const bright = depthNotice('a.tif', 0, 65535);
  const dark = depthNotice('b.tif', 152, 1806);
  const black = depthNotice('c.tif', 3, 255);
  const pages = {kind: 'pages', file: 'd.tif', what: 'has 3 pages'} as const;
  t.deepEqual(describeNotices([]), []);
  t.deepEqual(describeNotices([bright, pages]), [
    '1 image is read by its upper 8 bits only: a.tif has 16 bits per sample, values 0 to 65535 of 65535: read as 0 to 255 of 255.',
    '1 file is read by its first page only: d.tif has 3 pages.',
  ]);
  const [sentence] = describeNotices([bright, dark, bright, black]);
  t.regex(
    sentence!,
    /^4 images are read by their upper 8 bits only: b\.tif .*, nearly black; c\.tif .*, black; a\.tif /,
  );
  t.regex(sentence!, /; and 1 more\. Pass range: 'percentile'\.$/);
});

test('the proposed range has as many bits as the values need, unless some image needs them all', (t) => {
  const ranges = [
    [[152, 1806]],
    [
      [152, 1806],
      [3, 4096],
    ],
    [
      [152, 1806],
      [0, 65535],
    ],
    [[0, 0]],
  ].map((values) => proposeRange(values.map(([least, most]) => depthNotice('a.tif', least!, most!))));
  t.deepEqual(ranges, [[0, 2047], [0, 8191], undefined, [0, 1]]);
  t.is(proposeRange([depthNotice('bright.tif', 0, 65535)]), undefined);
  const of = (values: [number, number]) =>
    proposeRange(depthNotices('a.tif', {type: 'int16', values, levels: [127, 128], range: 'full'}));
  t.deepEqual(of([-5, 300]), [-5, 300]);
  t.is(of([-5, -5]), undefined);
});

test('a range that does not fit is told, one that fits is not', (t) => {
  const of = (levels: [number, number]) =>
    depthNotices('a.tif', {type: 'uint8', values: [0, 255], levels, range: [0, 4095]}).map(({what}) => what);
  t.deepEqual(of([0, 16]), ['has values 0 to 255: with range: [0, 4095] read as 0 to 16 of 255, nearly black']);
  t.deepEqual(of([100, 114]), [
    'has values 0 to 255: with range: [0, 4095] read as 100 to 114 of 255, in 15 of 256 levels',
  ]);
  t.deepEqual(of([255, 255]), ['has values 0 to 255: with range: [0, 4095] read as 255 to 255 of 255, white']);
  t.deepEqual(of([100, 115]), []);
});

test('one after another: each kind once, and of too dark images again', (t) => {
  const said: string[] = [];
  const tell = tellOnce((sentence) => said.push(sentence));
  const bright = depthNotice('a.tif', 0, 65535);
  const dark = depthNotice('b.tif', 152, 1806);
  const pages = {kind: 'pages', file: 'd.tif', what: 'has 3 pages'} as const;
  for (const notices of [[], [bright, bright], [bright, pages], [pages], [dark], [dark, bright]]) tell(notices);
  t.is(said.length, 3);
  t.regex(said[0]!, /^1 image is read by its upper 8 bits only: a\.tif .* of 255\. Others like it are not told\.$/);
  t.is(said[1], '1 file is read by its first page only: d.tif has 3 pages. Others like it are not told.');
  t.regex(
    said[2]!,
    /^1 image is .*: b\.tif .*, nearly black\. Pass range: \[0, 2047\], or range: 'percentile'\. Others/,
  );
  const darkFirst: string[] = [];
  tellOnce((sentence) => darkFirst.push(sentence))([dark, bright]);
  t.is(darkFirst.length, 1);
});
