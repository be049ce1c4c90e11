import {mkdtemp, readFile, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import type {PixelOptions} from '../../../lib/image/pixel-options.js';
import {readImage} from '../../../lib/image/read-image.js';
import {readStored} from '../../../lib/image/read-stored.js';
import {openRegions} from '../../../lib/image/regions/open-regions.js';
import {pythonHas} from '../../python.js';
import {cut, rects, runPython, sameAs, using} from './regions.js';

/**
 * Files of tifffile, and beside each level its pixels as tifffile decodes them, turned into 8-bit RGB. The last line of
 * output lists them.
 */
const SCRIPT = `
import json
import numpy as np, tifffile
y, x = np.mgrid[0:150, 0:210]
rgb = np.stack([(x * 3 + y) % 256, (x + y * 5) % 256, (x * y // 7) % 256], -1).astype('uint8')
smooth = np.stack([x, y, (x + y) // 2], -1).astype('uint8')
planes = np.moveaxis(rgb, -1, 0)
deep = (x * 300 + y).astype('uint16')
files = []

def levels(name, tolerance=0, microns=None):
    files.append({'name': name, 'tolerance': tolerance, 'microns': microns, 'levels': []})
    with tifffile.TiffFile(name) as tif:
        base = tif.pages[0]
        pages = [base, *base.pages] if base.subifds else [page for page in tif.pages if page.is_tiled]
        for i, page in enumerate(pages if base.is_tiled else [base]):
            image = page.asarray()
            if page.planarconfig == 2:
                image = np.moveaxis(image, 0, -1)
            if image.dtype == np.uint16:
                image = (image >> 8).astype('uint8')
            if image.dtype == bool:
                image = image.astype('uint8') * 255
            if image.ndim == 2:
                image = np.stack([image] * 3, -1)
            with open(f'{name}.{i}.rgb', 'wb') as raw:
                raw.write(image.tobytes())
            files[-1]['levels'].append([image.shape[1], image.shape[0]])

def write(name, image, **options):
    tolerance = options.pop('tolerance', 0)
    microns = options.pop('microns', None)
    tifffile.imwrite(name, image, **options)
    levels(name, tolerance, microns)

tile = {'tile': (64, 48), 'photometric': 'rgb'}
with tifffile.TiffWriter('pyramid.ome.tif', bigtiff=True) as tif:
    pixels = {'axes': 'YXS', 'PhysicalSizeX': 250, 'PhysicalSizeXUnit': 'nm'}
    tif.write(rgb, subifds=2, compression='deflate', metadata=pixels, **tile)
    tif.write(rgb[::2, ::2], compression='deflate', subfiletype=1, **tile)
    tif.write(rgb[::4, ::4], compression='deflate', subfiletype=1, **tile)
levels('pyramid.ome.tif', microns=0.25)
with tifffile.TiffWriter('slide.svs') as tif:
    jpeg = {'compression': 'jpeg', 'metadata': None, 'photometric': 'rgb'}
    aperio = 'Aperio Image Library v11.2.1\\r\\n210x150 (48x64) JPEG/RGB Q=70|AppMag = 20|MPP = 0.4990|Left = 25.6'
    tif.write(smooth, tile=(64, 48), description=aperio, **jpeg)
    tif.write(smooth[::4, ::4], rowsperstrip=16, **jpeg)
    tif.write(smooth[::3, ::3], tile=(64, 48), **jpeg)
    tif.write(smooth[:80, :60], photometric='rgb', compression='lzw', subfiletype=1, metadata=None)
    tif.write(smooth[:40, :120], subfiletype=9, **jpeg)
levels('slide.svs', tolerance=2, microns=0.499)
write('planar.tif', planes, planarconfig='separate', compression='lzw', bigtiff=True, **tile)
write('planar-strips.tif', planes, planarconfig='separate', photometric='rgb', rowsperstrip=7, compression='deflate',
      predictor=True)
write('planar-rows.tif', planes, planarconfig='separate', photometric='rgb', rowsperstrip=7)
write('big-endian.tif', deep, byteorder='>', tile=(64, 48), compression='deflate', predictor=True)
write('big-endian-rows.tif', deep, byteorder='>', bigtiff=True)
write('deep.tif', rgb.astype('uint16') * 257, **tile)
write('zstandard.tif', rgb, compression='zstd', **tile)
write('bilevel.tif', rgb[..., 0] > 128, rowsperstrip=20, photometric='minisblack')
write('imagej.tif', rgb[..., 0], imagej=True, resolution=(4, 4), metadata={'unit': 'um'}, microns=0.25)
write('centimetre.tif', rgb, resolution=(20000, 20000), resolutionunit='CENTIMETER', microns=0.5)
for name in ['jpeg2000', 'lzma']:
    tifffile.imwrite(name + '.tif', rgb, compression=name, **tile)
print(json.dumps(files))
`;

type File = {name: string; tolerance: number; microns: number | null; levels: [width: number, height: number][]};

const withTifffile = pythonHas(['tifffile', 'imagecodecs'], 'large images that tifffile writes') ? test : test.skip;

withTifffile('regions of files of tifffile are the pixels that it reads itself', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-tifffile-test-'));
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  const files = runPython(folder, SCRIPT) as File[];
  t.is(files.length, 12);
  for (const {name, tolerance, microns, levels} of files) {
    for (const [level, [width, height]] of levels.entries()) {
      const data = await readFile(join(folder, `${name}.${level}.rgb`));
      await using(join(folder, name), {level}, async (source) => {
        t.deepEqual([source.width, source.height, source.levels.length], [width, height, levels.length], name);
        const expected = microns === null ? undefined : microns * source.downsample;
        t.is(source.micronsPerPixel?.toFixed(9), expected?.toFixed(9), name);
        for (const rect of rects(source)) {
          const right = cut({data, width, height}, rect);
          const {data: read} = await source.read(rect);
          t.is(read.length, right.length);
          const most = read.reduce((worst, value, i) => Math.max(worst, Math.abs(value - right[i]!)), 0);
          t.true(most <= tolerance, `${name}, level ${level}, ${JSON.stringify(rect)}: ${most}`);
        }
      });
    }
  }
  for (const [name, codec] of [
    ['jpeg2000', 'JPEG 2000'],
    ['lzma', 'LZMA'],
  ] as const) {
    const message = new RegExp(`compression ${codec} \\(\\d+\\) is not supported`);
    await t.throwsAsync(openRegions(join(folder, `${name}.tif`)), {code: 'INVALID_IMAGE', message});
  }
});

/**
 * Files of which strips or tiles are left out, and beside each the numbers that tifffile reads, pixel by pixel. The
 * last line of output lists them.
 */
const SPARSE = `
import itertools, json
import numpy as np, tifffile
y, x = np.mgrid[0:110, 0:150]
files = []
for order, dtype, compression, predictor, kind, layout, nodata in itertools.product(
    '<>', ['uint8', 'int16', 'float32'], [None, 'lzw', 'zstd'], [1, 2, 3],
    ['grey', 'contig', 'separate'], [{'tile': (48, 64)}, {'rowsperstrip': 7}], ['', '7']):
    whole = dtype != 'float32'
    if order == '>' and (nodata or kind == 'grey'):
        continue
    if predictor == (3 if whole else 2) or (predictor > 1 and compression is None):
        continue
    image = (((x * 3 + y * 5)[..., None] + np.arange(1 if kind == 'grey' else 3) * 17) % 250 + 1).astype(dtype)
    stored = image[..., 0] if kind == 'grey' else np.moveaxis(image, -1, 0) if kind == 'separate' else image
    name = f'sparse-{len(files)}.tif'
    how = {'photometric': 'minisblack'} if kind == 'grey' else {'photometric': 'rgb', 'planarconfig': kind}
    if nodata:
        how['extratags'] = [(42113, 's', 0, nodata, True)]
    if compression:
        how |= {'compression': compression, 'predictor': predictor}
    tifffile.imwrite(name, np.ascontiguousarray(stored), byteorder=order, metadata=None, **how, **layout)
    with tifffile.TiffFile(name, mode='r+b') as tif:
        page = tif.pages[0]
        for tag in ['TileOffsets', 'TileByteCounts'] if page.is_tiled else ['StripOffsets', 'StripByteCounts']:
            numbers = list(page.tags[tag].value)
            numbers[1] = numbers[-1] = 0
            page.tags[tag].overwrite(tuple(numbers))
    read = tifffile.imread(name)
    if kind == 'separate':
        read = np.moveaxis(read, 0, -1)
    with open(name + '.raw', 'wb') as raw:
        raw.write(np.ascontiguousarray(read.astype('<f4')).tobytes())
    what = f'{order} {dtype} {compression} {predictor} {kind} {layout} {nodata}'
    files.append({'name': name, 'whole': whole, 'what': what})
print(json.dumps(files))
`;

withTifffile('what files leave out is what tifffile reads there, in the whole image and in regions', async (t) => {
  t.timeout(300_000);
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-tifffile-test-'));
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  const files = runPython(folder, SPARSE) as {name: string; whole: boolean; what: string}[];
  t.is(files.length, 240);
  for (const {name, whole, what} of files) {
    const file = join(folder, name);
    const raw = await readFile(`${file}.raw`);
    const {data} = await readStored(file, {name});
    t.deepEqual(Float32Array.from(data), new Float32Array(Uint8Array.from(raw).buffer), what);
    const options: PixelOptions = whole ? {} : {range: [-10, 300]};
    const image = await readImage(file, options);
    await using(file, options, async (source) => {
      const {width, height} = source;
      t.deepEqual((await source.read({left: 0, top: 0, width, height})).data, image.data, what);
    });
  }
});

const WIDE = `
import json
import numpy as np, tifffile
y, x = np.mgrid[0:1100, 0:24000]
image = ((x * 3 + y * 5) % 251).astype('uint8')
files = []
for name, pixels, options in [
    ('zstd', image, {'compression': 'zstd'}),
    ('float', image.astype('float32'), {'compression': 'lzw', 'range': [0, 255]}),
    ('range', image.astype('uint16'), {'compression': 'lzw', 'range': [0, 255]}),
    ('plain', image, {'compression': 'lzw'}),
]:
    numbers = options.pop('range', None)
    tifffile.imwrite(name + '.tif', pixels, photometric='minisblack', rowsperstrip=50, metadata=None, **options)
    files.append({'name': name + '.tif', 'options': {} if numbers is None else {'range': numbers}})
print(json.dumps(files))
`;

withTifffile('strips too wide for the cache are read, whatever their numbers and their compression', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'maskrcnn-tifffile-test-'));
  t.teardown(() => rm(folder, {recursive: true, force: true}));
  for (const {name, options} of runPython(folder, WIDE) as {name: string; options: PixelOptions}[]) {
    const file = join(folder, name);
    const image = await readImage(file, options);
    await using(file, options, (source) => sameAs(t, source, image, name));
  }
});
