import {mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import {decodeRle, exportOnnx, type MaskRcnn, maskRcnn} from '../../lib/index.js';
import {cropRle} from '../../lib/masks/rle.js';
import {objectColumns} from '../../lib/measure/tables.js';
import {images, largestDifference} from '../onnx/networks.js';
import {chromium} from '../report/chromium.js';
import {tinyModel} from '../tiny.js';
import {BrowserPage} from './devtools.js';
import {ROOT, type ServedPage, servePage} from './page-server.js';

const inBrowser = chromium ? test.serial : test.serial.skip;
if (!chromium) console.log('# skipped: the page in a browser, for there is no Chromium here (CHROME names one)');

let folder: string;
let server: ServedPage;
let model: MaskRcnn;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-page-'));
  model = await maskRcnn({...tinyModel, classes: ['round', 'odd']});
  await exportOnnx(model, join(folder, 'model.onnx'), {masks: 'box', half: true});
  await exportOnnx(model, join(folder, 'exact.onnx'), {masks: 'box'});
  const {data, width, height} = images[8]!;
  await sharp(data, {raw: {width, height, channels: 3}})
    .png()
    .toFile(join(folder, 'cells.png'));
  await writeFile(join(folder, 'broken.png'), 'no image');
  server = await servePage(folder);
});

test.after.always(async () => {
  model?.dispose();
  server?.close();
  await rm(folder, {recursive: true, force: true});
});

inBrowser('the page finds what predict() finds, in the WASM of onnxruntime-web', async (t) => {
  t.timeout(120_000);
  const page = await BrowserPage.open(chromium!, server.url, join(folder, 'profile'));
  t.teardown(() => page.close());
  await page.send('Browser.setDownloadBehavior', {behavior: 'allow', downloadPath: folder}).catch(() => {});
  const status = () => page.value<string>("document.getElementById('status').textContent");
  await page.until("document.getElementById('image')?.disabled === false");
  t.is(await status(), 'Ready. Finds round, odd.');

  await page.choose('#image', join(folder, 'cells.png'));
  await page.until("document.getElementById('csv').disabled === false");
  await page.until("document.getElementById('status').textContent.startsWith('cells.png: 320')");
  const [found] = await model.predict(join(folder, 'cells.png'));
  t.true(found.scores.length > 3);

  // The numbers themselves, from the download.
  await page.value(`(() => {
    const threshold = document.getElementById('threshold');
    threshold.value = threshold.min;
    threshold.dispatchEvent(new Event('input'));
    globalThis.offered = [];
    URL.createObjectURL = (blob) => (offered.push(blob), 'about:blank#' + offered.length);
    HTMLAnchorElement.prototype.click = () => {};
    for (const id of ['csv', 'geojson']) document.getElementById(id).click();
  })()`);
  t.is(await page.value('document.getElementById("total").textContent'), String(found.scores.length));
  const counts = await page.value<string[]>(
    "Array.from(document.querySelectorAll('#counts tbody tr'), (row) => row.innerText.replace(/\\s+/g, ' ').trim())",
  );
  const expectedCounts = ['round', 'odd'].flatMap((name) => {
    const count = found.classNames.filter((each) => each === name).length;
    return count > 0 ? [`${name} ${count}`] : [];
  });
  t.deepEqual(counts, expectedCounts);
  const [header, ...csv] = (await page.value<string>('offered[0].text()')).trim().split('\r\n');
  // Columns of the tables that the package writes, in the same order.
  const all = objectColumns({detections: true, channels: 0, microns: false});
  t.deepEqual(
    header!.split(','),
    all.filter((name) => header!.split(',').includes(name)),
  );
  t.is(csv.length, found.scores.length);
  for (const [i, line] of csv.entries()) {
    const [image, , name, score] = line.split(',');
    t.is(image, 'cells.png');
    // Weights of float16 change the scores by about 0.001.
    t.true(Math.abs(Number(score) - found.scores[i]!) < 0.005, `${line} ${found.scores[i]}`);
    if (Math.abs(found.scores[i]! - (found.scores[i + 1] ?? 0)) > 0.01) {
      t.is(name, found.classNames[i]);
      const {left, top, width, height} = cropRle(found.masks[i]!);
      const bounds = [top, left, top + height, left + width];
      for (const [side, value] of line.split(',').slice(7).entries())
        t.true(Math.abs(Number(value) - bounds[side]!) < 3);
    }
  }
  const {features} = JSON.parse(await page.value<string>('offered[1].text()'));
  t.is(features.length, found.scores.length);
  // The outlines enclose as many pixels as the masks have.
  for (const [i, {geometry}] of features.entries()) {
    const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
    const area = polygons.flat().reduce((sum: number, ring: number[][]) => sum + areaOf(ring), 0);
    t.is(Math.round(area), Number(csv[i]!.split(',')[4]));
  }
  const pixels = found.masks.map((mask) => decodeRle(mask).reduce((sum, value) => sum + value, 0));
  t.true(Math.max(...pixels) > 0);

  await page.choose('#image', join(folder, 'broken.png'));
  await page.until("document.getElementById('status').classList.contains('problem')");
  t.is(await status(), 'broken.png is not an image that this browser can read.');

  // Wide and narrow windows have no content beside them.
  for (const width of [1400, 390]) {
    const picture = await page.picture(width, 900);
    t.is((await sharp(picture).metadata()).width, width);
    t.true(await page.value<boolean>('document.documentElement.scrollWidth <= innerWidth'), `${width}`);
    if (process.env.PICTURES) await writeFile(join(process.env.PICTURES, `page-${width}.png`), picture);
  }

  // A second visit takes the model from the browser's cache.
  server.requests.length = 0;
  await page.send('Page.reload');
  await page.until("document.getElementById('image')?.disabled === false && performance.now() < 60000");
  t.true(server.requests.includes('HEAD /model.onnx'));
  t.false(server.requests.includes('GET /model.onnx'));
});

inBrowser("20 images of different sizes: the WASM's detections are predict()'s", async (t) => {
  t.timeout(120_000);
  const url = `${server.url}page.css`; // a page without the model's worker
  const page = await BrowserPage.open(chromium!, url, join(folder, 'profile-2'));
  t.teardown(() => page.close());
  await page.until("location.pathname === '/page.css' && document.readyState === 'complete'");
  await page.value(`(async () => {
    const ort = await import('/ort/ort.wasm.min.mjs');
    const {loadOnnx} = await import('/maskrcnn/onnx-runtime/index.js');
    const bytes = await (await fetch('/exact.onnx')).arrayBuffer();
    globalThis.exact = await loadOnnx(bytes, {ort});
  })()`);
  let worst = 0;
  let objects = 0;
  for (const image of images) {
    const [expected] = await model.predict(image);
    const base64 = Buffer.from(image.data).toString('base64');
    const found = await page.value<{
      boxes: number[];
      labels: number[];
      scores: number[];
      masks: string[];
    }>(`(async () => {
      const data = Uint8Array.from(atob('${base64}'), (c) => c.charCodeAt(0));
      const found = await exact.predict({data, width: ${image.width}, height: ${image.height}});
      const lists = {boxes: [...found.boxes], labels: [...found.labels], scores: [...found.scores]};
      return {...lists, masks: found.masks.map(({counts}) => counts)};
    })()`);
    t.deepEqual(found.labels, [...expected.labels]);
    const side = Math.max(image.width, image.height);
    worst = Math.max(worst, largestDifference(found.scores, expected.scores));
    worst = Math.max(worst, largestDifference(found.boxes, expected.boxes) / side);
    objects += found.masks.filter((counts, i) => counts === expected.masks[i]!.counts).length;
  }
  t.log(`${worst}, ${objects} equal masks`);
  t.true(worst <= 1e-4, String(worst));
  t.true(objects >= 0.95 * 10 * images.length, `${objects} equal masks`);
});

test('every file of the example is named by the page or its README', async (t) => {
  const names = await readdir(join(ROOT, 'examples/browser'));
  const texts = await Promise.all(names.map((name) => readFile(join(ROOT, 'examples/browser', name), 'utf8')));
  t.deepEqual(
    names.filter((name) => name !== 'index.html' && name !== 'README.md' && !texts.some((text) => text.includes(name))),
    [],
  );
});

/** The signed area of a closed ring. */
function areaOf(ring: number[][]): number {
  let sum = 0;
  for (let i = 0; i + 1 < ring.length; i++) sum += ring[i]![0]! * ring[i + 1]![1]! - ring[i + 1]![0]! * ring[i]![1]!;
  return sum / 2;
}
