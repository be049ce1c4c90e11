import {mkdtemp, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import sharp from 'sharp';
import {BrowserPage} from '../examples/devtools.js';
import {chromium} from '../report/chromium.js';
import {cells, formulaWeights, png, started, type Weights} from './started.js';

const inBrowser = chromium ? test.serial : test.serial.skip;
if (!chromium) console.log('# skipped: the page of the server, for there is no Chromium here (CHROME names one)');

let weights: Weights;
test.before(async () => {
  weights = await formulaWeights();
  await writeFile(join(weights.folder, 'cells.png'), await png(cells));
  await writeFile(join(weights.folder, 'broken.png'), 'no image');
  const values = Uint16Array.from(cells.data, (value) => 257 * value);
  await sharp(values, {raw: {width: cells.width, height: cells.height, channels: 3}})
    .toColourspace('rgb16')
    .tiff({compression: 'deflate'})
    .toFile(join(weights.folder, 'cells.tif'));
});
test.after.always(() => weights.remove());

/** The page of a server in a browser. */
const open = async (t: ExecutionContext, url: string, flags: string[] = []) => {
  const profile = await mkdtemp(join(weights.folder, 'profile-'));
  const page = await BrowserPage.open(chromium!, url, profile, flags);
  t.teardown(() => page.close());
  return page;
};

inBrowser('the page shows what predict() finds, also on what browsers cannot read', async (t) => {
  t.timeout(120_000);
  const {url} = await started(t, [weights.file, `other=${weights.file}`], {token: 'let me in'});
  const page = await open(t, url);
  const status = () => page.value<string>("document.getElementById('status').textContent");
  const total = () => page.value<string>("document.getElementById('total').textContent");
  const problem = () => page.value<string>("document.querySelector('.token .problem').textContent");
  const give = async (token: string) => {
    const form = "document.querySelector('form.token')";
    await page.until(`${form} !== null`);
    await page.value(`(${form}.querySelector('input').value = ${JSON.stringify(token)}, ${form}.requestSubmit())`);
  };
  await page.until("document.querySelector('form.token input[type=password]') !== null");
  t.is(await status(), 'This server needs its token.');
  t.is(await problem(), '');
  await give('geheim –');
  t.is(await problem(), 'A token has letters, digits and signs of ASCII only.');
  await give('wrong');
  await page.until("document.querySelector('.token .problem')?.textContent.startsWith('The server')");
  t.is(await problem(), 'The server does not take this token.');
  t.is(await page.value('JSON.stringify([sessionStorage, localStorage, document.cookie])'), '[{},{},""]');
  await give(' let me in ');
  await page.until("document.getElementById('image')?.disabled === false");
  t.is(await status(), `Ready. Finds ${weights.model.classes.join(', ')}.`);
  t.deepEqual(await page.value("Array.from(document.getElementById('model').options, ({text}) => text)"), [
    'cells',
    'other',
  ]);
  t.is(await page.value("document.getElementById('note').textContent"), 'It goes to this server only.');

  const [found] = await weights.model.predict(join(weights.folder, 'cells.png'), {scoreThreshold: 0.5});
  t.true(found.scores.length > 3);
  for (const name of ['cells.png', 'cells.tif']) {
    await page.choose('#image', join(weights.folder, name));
    await page.until(`document.getElementById('status').textContent.startsWith('${name}: 320')`);
    t.is(await total(), String(found.scores.length), name);
  }
  t.is(await page.value("document.querySelector('form.token')"), null);
  t.is(await page.value('JSON.stringify([sessionStorage, localStorage])'), '[{"token":"let me in"},{}]');

  // The table is the server's, of the objects that are shown.
  await page.value(`(() => {
    const threshold = document.getElementById('threshold');
    threshold.value = '0.6';
    threshold.dispatchEvent(new Event('input'));
    URL.createObjectURL = (blob) => ((globalThis.offered = blob), 'about:blank#offered');
    HTMLAnchorElement.prototype.click = () => {};
    document.getElementById('csv').click();
  })()`);
  await page.until('globalThis.offered !== undefined');
  const table = await fetch(`${url}/predict?format=csv&scoreThreshold=0.6&name=cells.tif`, {
    method: 'POST',
    body: new Uint8Array(await readFile(join(weights.folder, 'cells.tif'))),
    headers: {authorization: 'Bearer let me in'},
  });
  t.is(await page.value('offered.text()'), await table.text());
  t.is(await total(), String(found.scores.filter((score) => score > 0.6).length));

  // A server that has another token by now is asked again, and what was wanted goes on.
  await page.value("sessionStorage.setItem('token', 'of yesterday')");
  await page.choose('#image', join(weights.folder, 'cells.png'));
  await page.until("document.querySelector('.token .problem')?.textContent.startsWith('The server')");
  await give('let me in');
  await page.until("document.getElementById('status').textContent.startsWith('cells.png: 320')");
  await page.choose('#image', join(weights.folder, 'broken.png'));
  await page.until("document.getElementById('status').classList.contains('problem')");
  t.is(
    await status(),
    'broken.png must be a BMP, PNG, JPEG, WebP, TIFF, GIF or AVIF image, got 8 bytes of another kind. The content decides, not the name of the file.',
  );
});

inBrowser('a picture of the camera that fails late leaves what was chosen after it on the page', async (t) => {
  t.timeout(120_000);
  const {url} = await started(t, weights.file);
  const page = await open(t, url, ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']);
  await page.until("document.getElementById('image')?.disabled === false");
  // The first request, which is that of the camera, is not answered.
  await page.value(`(() => {
    const own = globalThis.fetch;
    globalThis.fetch = () => {
      globalThis.fetch = own;
      return new Promise((_, reject) => (globalThis.lose = reject));
    };
    document.getElementById('camera').click();
  })()`);
  await page.until('globalThis.lose !== undefined');
  await page.choose('#image', join(weights.folder, 'cells.png'));
  await page.until("document.getElementById('status').textContent.startsWith('cells.png: 320')");
  await page.value("(lose(new Error('lost')), new Promise((resolve) => setTimeout(resolve, 300)))");
  t.regex(await page.value<string>("document.getElementById('status').textContent"), /^cells\.png: 320/);
  t.false(await page.value<boolean>("document.getElementById('canvas').hidden"));

  // One that is still wanted is told of.
  await page.value(`(() => {
    globalThis.fetch = () => Promise.reject(new Error('lost'));
    document.getElementById('camera').click();
  })()`);
  await page.until("document.getElementById('status').classList.contains('problem')");
  t.is(await page.value("document.getElementById('status').textContent"), 'The server does not answer.');
  t.is(await page.value("document.getElementById('camera').textContent"), 'Use the camera');
});
