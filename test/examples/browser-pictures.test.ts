import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import sharp from 'sharp';
import {exportOnnx, type MaskRcnn, maskRcnn, measure} from '../../lib/index.js';
import {drawn} from '../onnx/networks.js';
import {chromium} from '../report/chromium.js';
import {tinyModel} from '../tiny.js';
import {BrowserPage} from './devtools.js';
import {type ServedPage, servePage} from './page-server.js';

const inBrowser = chromium ? test.serial : test.serial.skip;
if (!chromium) console.log('# skipped: pictures of the page, for there is no Chromium here (CHROME names one)');

let folder: string;
let server: ServedPage;
let model: MaskRcnn;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maskrcnn-pictures-'));
  model = await maskRcnn({...tinyModel, classes: ['round', 'odd']});
  await exportOnnx(model, join(folder, 'model.onnx'), {masks: 'box'});
  server = await servePage(folder);
});

test.after.always(async () => {
  model?.dispose();
  server?.close();
  await rm(folder, {recursive: true, force: true});
});

async function open(t: ExecutionContext, flags: string[] = []): Promise<BrowserPage> {
  const page = await BrowserPage.open(chromium!, server.url, await mkdtemp(join(folder, 'profile-')), flags);
  t.teardown(() => page.close());
  await page.until("document.getElementById('image')?.disabled === false");
  return page;
}

/** Shows all objects, however unlikely. */
const showAll = `(() => {
  const threshold = document.getElementById('threshold');
  threshold.value = threshold.min;
  threshold.dispatchEvent(new Event('input'));
})()`;

/** Notes the size of each picture that the page's own thread draws from then on, and each reading of pixels. */
const watchDrawing = `(() => {
  window.drawn = [];
  for (const {prototype} of [CanvasRenderingContext2D, OffscreenCanvasRenderingContext2D]) {
    const {drawImage, getImageData} = prototype;
    prototype.drawImage = function (picture, ...place) {
      window.drawn.push(picture.width + ' × ' + picture.height);
      return drawImage.call(this, picture, ...place);
    };
    prototype.getImageData = function (...place) {
      window.drawn.push('read');
      return getImageData.apply(this, place);
    };
  }
})()`;

/** The file that a button offers, and its name. */
async function download(page: BrowserPage, button: string): Promise<{name: string; content: Buffer}> {
  const [name, base64] = await page.value<[string, string]>(`new Promise((resolve, reject) => {
    const createObjectURL = URL.createObjectURL;
    const click = HTMLAnchorElement.prototype.click;
    let blob;
    URL.createObjectURL = (given) => (blob = given, 'about:blank#');
    HTMLAnchorElement.prototype.click = function () {
      URL.createObjectURL = createObjectURL;
      HTMLAnchorElement.prototype.click = click;
      const reader = new FileReader();
      reader.onload = () => resolve([this.download, reader.result.split(',')[1]]);
      reader.onerror = reject;
      reader.readAsDataURL(blob);
    };
    document.getElementById('${button}').click();
  })`);
  return {name, content: Buffer.from(base64, 'base64')};
}

type Feature = {
  geometry: {type: 'Polygon' | 'MultiPolygon'; coordinates: number[][][] | number[][][][]};
  properties: {classification: {name: string; color: [number, number, number]}; score: number};
};

const ringsOf = ({geometry: {type, coordinates}}: Feature): number[][][] =>
  type === 'Polygon' ? (coordinates as number[][][]) : (coordinates as number[][][][]).flat();

inBrowser('a picture of the camera: its objects, and CSV, GeoJSON and PNG of them', async (t) => {
  t.timeout(120_000);
  const page = await open(t, ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']);
  const button = "document.getElementById('camera')";
  // What the page takes from the camera is kept, for comparison with what it says of it.
  await page.value(`(() => {
    const take = createImageBitmap;
    globalThis.createImageBitmap = async (...given) => (globalThis.shot = await take(...given));
    ${button}.click();
  })()`);
  await page.until("document.getElementById('csv').disabled === false");
  t.is(await page.value(`${button}.textContent`), 'Stop the camera');
  t.regex(await page.value<string>("document.getElementById('time').textContent"), /^Found in /);
  await page.value(`${button}.click()`);
  t.is(await page.value(`${button}.textContent`), 'Use the camera');
  t.is(await page.value("document.getElementById('video').srcObject"), null);
  await page.value(showAll);
  // The look that was under way when the camera stopped ends with the last picture.
  await page.until(`document.getElementById('total').textContent === '10'
    && (globalThis.before === (globalThis.before = document.getElementById('time').textContent))`);
  await new Promise((resolve) => setTimeout(resolve, 1000));

  const [width, height, base64] = await page.value<[number, number, string]>(`(() => {
    const {width, height} = shot;
    const context = new OffscreenCanvas(width, height).getContext('2d');
    context.drawImage(shot, 0, 0);
    let text = '';
    for (const byte of context.getImageData(0, 0, width, height).data) text += String.fromCharCode(byte);
    return [width, height, btoa(text)];
  })()`);
  t.true(width >= 320 && height >= 240);
  const rgba = Buffer.from(base64, 'base64');
  const data = await sharp(rgba, {raw: {width, height, channels: 4}})
    .removeAlpha()
    .raw()
    .toBuffer();
  const [found] = await model.predict({data, width, height});
  t.is(found.scores.length, 10);

  const measured = await measure({data, width, height, channels: 3}, found);
  const csv = await download(page, 'csv');
  t.is(csv.name, 'camera.csv');
  const [head, ...lines] = csv.content.toString().trim().split('\r\n');
  const columns = ['area', 'centroid-0', 'centroid-1', 'bbox-0', 'bbox-1', 'bbox-2', 'bbox-3'] as const;
  t.deepEqual(head!.split(','), ['image', 'id', 'class', 'score', ...columns]);
  t.is(lines.length, found.scores.length);
  for (const [i, line] of lines.entries()) {
    const [image, id, name, score, ...numbers] = line.split(',');
    t.deepEqual([image, id, name], ['camera', String(i + 1), found.classNames[i]]);
    t.true(Math.abs(Number(score) - found.scores[i]!) <= 2e-4);
    for (const [at, column] of columns.entries()) {
      const expected = measured[i]![column];
      // A few pixels at the border of a mask may differ.
      const tolerance = column === 'area' ? 2 + 0.01 * expected : 1;
      t.true(Math.abs(Number(numbers[at]) - expected) <= tolerance, `${column} of ${line}: ${expected}`);
    }
  }

  const geojson = await download(page, 'geojson');
  t.is(geojson.name, 'camera.geojson');
  const features = JSON.parse(geojson.content.toString()).features as Feature[];
  t.deepEqual(
    features.map(({properties}) => properties.classification.name),
    found.classNames,
  );

  const png = await download(page, 'png');
  t.is(png.name, 'camera.png');
  if (process.env.PICTURES) await sharp(png.content).toFile(join(process.env.PICTURES, 'camera.png'));
  const {data: picture, info} = await sharp(png.content).removeAlpha().raw().toBuffer({resolveWithObject: true});
  const scale = Math.max(1, Math.floor(700 / Math.max(width, height)));
  t.deepEqual([info.width, info.height], [scale * width, scale * height]);
  const pixel = (x: number, y: number) => {
    const at = 3 * (Math.floor(scale * y) * info.width + Math.floor(scale * x));
    return [...picture.subarray(at, at + 3)];
  };
  const source = (x: number, y: number) => [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];

  // The lines are the objects' outlines in the colours of their classes, but where a label lies above them.
  const colors = features.map(({properties}) => properties.classification.color);
  const isColor = (rgb: number[]) => colors.some((color) => largest(rgb, color) <= 2);
  let [on, points] = [0, 0];
  for (const feature of features) {
    for (const [x, y] of ringsOf(feature).flat()) {
      if (x! < 1 || y! < 1 || x! >= width - 1 || y! >= height - 1) continue;
      points++;
      if (isColor(pixel(x!, y!))) on++;
    }
  }
  t.log(`${on} of ${points} corners`);
  t.true(points > 100 && on > 0.8 * points, `${on} of ${points}`);

  // Far from objects, the picture is that of the camera.
  let [same, outside] = [0, 0];
  const boxes = Array.from(found.scores, (_, i) => found.boxes.subarray(4 * i, 4 * i + 4));
  for (let y = 0; y < height; y += 7) {
    for (let x = 0; x < width; x += 7) {
      // A label is above its box, and may be wider.
      const isNear = boxes.some(
        ([x0, y0, x1, y1]) => x > x0! - 30 && x < Math.max(x1!, x0! + 160) + 30 && y > y0! - 40 && y < y1! + 30,
      );
      if (isNear || features.some((feature) => isInside(ringsOf(feature), x, y, 8))) continue;
      outside++;
      if (largest(pixel(x + 0.5, y + 0.5), source(x, y)) <= 1) same++;
    }
  }
  t.log(`${same} of ${outside} pixels`);
  t.true(outside > 50 && same === outside, `${same} of ${outside}`);
});

inBrowser('the page’s own thread draws a large image in its full size once only', async (t) => {
  t.timeout(180_000);
  const page = await open(t);
  const [width, height] = [6000, 4000];
  const {data, ...small} = drawn(600, 400, 1);
  const file = join(folder, 'large.jpg');
  await sharp(data, {raw: {...small, channels: 3}})
    .resize(width, height)
    .toFile(file);
  await page.value(watchDrawing);
  await page.choose('#image', file);
  await page.until("document.getElementById('csv').disabled === false");
  await page.until("document.getElementById('status').textContent.startsWith('large.jpg: 6000')");
  await page.value(showAll);
  t.is(await page.value("document.getElementById('total').textContent"), '10');
  for (let i = 0; i < 20; i++) {
    await page.value(showAll);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  // Shown smaller than it is, downloaded in its size.
  t.deepEqual(
    await page.value("[document.getElementById('canvas').width, document.getElementById('canvas').height]"),
    [2400, 1600],
  );
  const drawings = await page.value<string[]>('window.drawn');
  const {content} = await download(page, 'png');
  const {width: own, height: high} = await sharp(content).metadata();
  t.deepEqual([own, high], [width, height]);
  if (process.env.PICTURES) {
    await sharp(content).resize(1500).toFile(join(process.env.PICTURES, 'large.png'));
    await sharp(await page.picture(1400, 900)).toFile(join(process.env.PICTURES, 'large-page.png'));
  }
  t.true(drawings.length > 20, `${drawings.length} drawings`);
  t.deepEqual(
    drawings.filter((size) => size !== '2400 × 1600'),
    ['6000 × 4000'],
  );
});

function largest(a: number[], b: number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
}

/** Whether (x, y) is inside a ring or within `margin` pixels of one of its corners. */
function isInside(rings: number[][][], x: number, y: number, margin: number): boolean {
  let inside = false;
  for (const ring of rings) {
    for (let i = 0; i + 1 < ring.length; i++) {
      const [ax, ay] = ring[i] as [number, number];
      const [bx, by] = ring[i + 1] as [number, number];
      if (Math.abs(ax - x) < margin && Math.abs(ay - y) < margin) return true;
      if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
    }
  }
  return inside;
}
