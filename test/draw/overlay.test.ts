import {existsSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import sharp from 'sharp';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import type {Instance} from '../../lib/datasets/dataset.js';
import {MaskFolder} from '../../lib/datasets/mask-folder.js';
import {crop} from '../../lib/draw/canvas.js';
import {colorOf} from '../../lib/draw/colors.js';
import {drawDetections, drawInstances} from '../../lib/draw/overlay.js';
import {drawSideBySide} from '../../lib/draw/side-by-side.js';
import type {RgbImage} from '../../lib/image/read-image.js';
import {encodeRle} from '../../lib/masks/rle-operations.js';

const [width, height] = [12, 10];
const grey: RgbImage = {data: new Uint8Array(width * height * 3).fill(100), width, height};
/** Rows 2..5, columns 3..8. */
const rle = {size: [10, 12] as [number, number], counts: 'P146000000000l0'};
const box = [3, 2, 9, 6];
const plain = {scale: 1, labels: false, boxes: false} as const;

async function pixels(png: Buffer) {
  const {data, info} = await sharp(png).raw().toBuffer({resolveWithObject: true});
  const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  return {...info, at};
}

test('a mask is blended inside its contour and nothing is painted outside', async (t) => {
  const before = grey.data.slice();
  const picture = await pixels(await drawDetections(grey, {boxes: box, masks: [rle]}, {...plain, opacity: 0.5}));
  t.deepEqual([picture.width, picture.height, picture.channels], [width, height, 3]);
  const color = colorOf(0);
  const blended = color.map((c) => Math.round(50 + c / 2));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const inside = x >= 3 && x <= 8 && y >= 2 && y <= 5;
      const edge = inside && (x === 3 || x === 8 || y === 2 || y === 5);
      t.deepEqual(picture.at(x, y), edge ? [...color] : inside ? blended : [100, 100, 100], `${x}, ${y}`);
    }
  }
  t.deepEqual(grey.data, before, 'the image given is left as it was');
});

test('run lengths, bitmaps and cropped instances give the same picture', async (t) => {
  const bitmap = Uint8Array.from({length: 120}, (_, i) => {
    const [x, y] = [i % 12, Math.floor(i / 12)];
    return Number(x >= 3 && x <= 8 && y >= 2 && y <= 5);
  });
  const instance: Instance = {
    label: 1,
    box: [3, 2, 9, 6],
    mask: {left: 3, top: 2, width: 6, height: 4, data: new Uint8Array(24).fill(1)},
  };
  const options = {scale: 40} as const;
  const byRle = await drawDetections(grey, {boxes: box, masks: [rle], classNames: ['cell']}, options);
  t.deepEqual(await drawDetections(grey, {boxes: box, masks: [bitmap], classNames: ['cell']}, options), byRle);
  t.deepEqual(await drawInstances(grey, [instance], {...options, classes: ['cell']}), byRle);
});

test('small pictures are enlarged, each pixel a square; large ones are not', async (t) => {
  const checks: RgbImage = {data: new Uint8Array([255, 0, 0, 0, 0, 255]), width: 2, height: 1};
  const picture = await pixels(await drawDetections(checks, {boxes: []}));
  t.deepEqual([picture.width, picture.height], [480, 240]);
  t.deepEqual(picture.at(239, 120), [255, 0, 0]);
  t.deepEqual(picture.at(240, 120), [0, 0, 255]);
  const large = {data: new Uint8Array(600 * 3), width: 600, height: 1};
  t.is((await pixels(await drawDetections(large, {boxes: []}))).width, 600);
});

test('objects under the threshold are left out, boxes are drawn where there is no mask', async (t) => {
  const detections = {boxes: [2, 2, 8, 8], scores: [0.4]};
  const without = await pixels(await drawDetections(grey, detections, {scale: 4, labels: false, scoreThreshold: 0.5}));
  const drawn = await pixels(await drawDetections(grey, detections, {scale: 4, labels: false, scoreThreshold: 0.4}));
  t.deepEqual(without.at(20, 8), [100, 100, 100]);
  t.notDeepEqual(drawn.at(20, 8), [100, 100, 100]);
  t.deepEqual(drawn.at(20, 20), [100, 100, 100]);
});

test('labels are legible without any font of the system', async (t) => {
  const image = {data: new Uint8Array(480 * 200 * 3).fill(100), width: 480, height: 200};
  const detections = {boxes: [100, 50, 200, 150], classNames: ['gland'], scores: [0.975]};
  const picture = await pixels(await drawDetections(image, detections, {boxes: false}));
  let plate = 0;
  let ink = 0;
  for (let y = 50; y < 66; y++) {
    for (let x = 100; x < 160; x++) {
      const [red, , blue] = picture.at(x, y) as [number, number, number];
      if (blue > 180) plate++;
      else if (red < 60 && blue < 90) ink++;
    }
  }
  t.true(plate > 200 && ink > 60, `${plate} pixels of plate, ${ink} of ink`);
});

test('pictures are written as PNG, JPEG or WebP, the quality of which can be chosen', async (t) => {
  // Noise, as photos have it.
  const data = Uint8Array.from(
    {length: 500 * 400 * 3},
    (_, i) => Math.imul(Math.imul(i, 0x9e3779b1) ^ i, 0x85ebca6b) >>> 25,
  );
  const photo = {data, width: 500, height: 400};
  const detections = {boxes: [100, 50, 200, 150], classNames: ['gland']};
  const sizes = new Map<string, number>();
  for (const format of ['png', 'jpeg', 'webp'] as const) {
    for (const quality of format === 'png' ? [undefined] : [undefined, 30]) {
      const picture = await drawDetections(photo, detections, {format, ...(quality && {quality})});
      const {format: written, width, height} = await sharp(picture).metadata();
      t.deepEqual([written, width, height], [format, 500, 400]);
      sizes.set(`${format} ${quality ?? ''}`.trim(), picture.length);
    }
  }
  for (const format of ['jpeg', 'webp']) {
    t.true(sizes.get(format)! < sizes.get('png')!);
    t.true(sizes.get(`${format} 30`)! < sizes.get(format)! / 2);
  }
  t.is((await sharp(await drawInstances(photo, [], {format: 'webp'})).metadata()).format, 'webp');
  t.is((await sharp(await drawSideBySide(photo, [], detections, {format: 'jpeg'})).metadata()).format, 'jpeg');
});

test('a contour of one pixel keeps its colour in JPEG', async (t) => {
  const image = {data: new Uint8Array(200 * 200 * 3).fill(100), width: 200, height: 200};
  const mask = Uint8Array.from({length: 200 * 200}, (_, i) => Number(i % 200 >= 50 && i % 200 < 150));
  const options = {scale: 1, labels: false, opacity: 0, format: 'jpeg'} as const;
  const {at} = await pixels(await drawDetections(image, {boxes: [50, 0, 150, 200], masks: [mask]}, options));
  const color = colorOf(0);
  for (const [c, value] of at(50, 100).entries()) t.true(Math.abs(value - color[c]!) < 25, `${at(50, 100)}`);
});

test('a format without a quality, and a picture that is too large for its format, are refused', async (t) => {
  await t.throwsAsync(drawDetections(grey, {boxes: []}, {quality: 80}), {
    code: 'INVALID_OPTION',
    message: /^drawDetections takes a quality for JPEG and WebP only, got 80 for PNG\.\nChoose/,
  });
  const long = {data: new Uint8Array(16384 * 3), width: 16384, height: 1};
  await t.throwsAsync(drawDetections(long, {boxes: []}, {format: 'webp'}), {
    code: 'INVALID_OPTION',
    message: /'webp' must have at most 16383 pixels on each side, got 16384 × 1\.\nChoose the format 'png'/,
  });
  t.is((await sharp(await drawDetections(long, {boxes: []}, {format: 'jpeg'})).metadata()).width, 16384);
});

test('objects are numbered on request as in JSON, also where a threshold leaves some out', async (t) => {
  const found = {boxes: [0, 0, 50, 50, 200, 100, 300, 200], classNames: ['cell', 'cell'], scores: [0.4, 0.9]};
  const image = {data: new Uint8Array(480 * 300 * 3).fill(100), width: 480, height: 300};
  const options = {ids: true, scoreThreshold: 0.5};
  const drawn = await drawDetections(image, found, options);
  const second = {boxes: found.boxes.slice(4), scores: [0.9]};
  t.deepEqual(drawn, await drawDetections(image, {...second, classNames: ['#2 cell']}));
  t.notDeepEqual(drawn, await drawDetections(image, found, {scoreThreshold: 0.5}));
  const instance: Instance = {
    label: 1,
    box: [0, 0, 2, 2],
    mask: {left: 0, top: 0, width: 2, height: 2, data: new Uint8Array(4)},
  };
  const numbered = await drawInstances(image, [instance], {ids: true, classes: ['cell']});
  t.deepEqual(numbered, await drawInstances(image, [instance], {classes: ['#1 cell']}));
});

test('a mask of another size is refused', async (t) => {
  const wrong = [{...rle, size: [12, 10] as [number, number]}, new Uint8Array(7)];
  for (const [mask, got] of [
    [wrong[0], '10 × 12'],
    [wrong[1], '7 pixels'],
  ] as const) {
    const error = await t.throwsAsync(drawDetections(grey, {boxes: box, masks: [mask!]}), {instanceOf: MaskRcnnError});
    t.is(error!.code, 'INVALID_MASK');
    t.true(error!.message.startsWith(`Mask 0 of the detections must be of the image's size, 12 × 10, got ${got}.`));
  }
});

test('unknown options are refused', async (t) => {
  for (const draw of [
    () => drawDetections(grey, {boxes: []}, {label: true} as object),
    () => drawInstances(grey, [], {label: true} as object),
    () => drawSideBySide(grey, [], {boxes: []}, {label: true} as object),
  ]) {
    const error = await t.throwsAsync(draw(), {instanceOf: MaskRcnnError});
    t.is(error!.code, 'INVALID_OPTION');
    t.regex(error!.message, /Did you mean 'labels'\?/);
  }
});

test('side by side: three panels of the picture’s size, painted as each should be', async (t) => {
  const instance: Instance = {
    label: 1,
    box: [0, 0, 2, 2],
    mask: {left: 0, top: 0, width: 2, height: 2, data: new Uint8Array(4).fill(1)},
  };
  const png = await drawSideBySide(grey, [instance], {boxes: box, masks: [rle]}, {scale: 10, labels: false});
  const picture = await pixels(png);
  t.is(picture.width, 3 * 120 + 4 * 8);
  const top = picture.height - 8 - 100;
  const panel = (i: number, x: number, y: number) => picture.at(8 + i * 128 + x, top + y);
  t.deepEqual(panel(0, 5, 5), [100, 100, 100]);
  t.notDeepEqual(panel(1, 5, 5), [100, 100, 100]);
  t.deepEqual(panel(1, 50, 40), [100, 100, 100]);
  t.notDeepEqual(panel(2, 50, 40), [100, 100, 100]);
  t.deepEqual(panel(2, 5, 5), [100, 100, 100]);
});

test('crop finds the pixels of a bitmap', (t) => {
  // 5 × 3 pixels, with the object at (1, 1), (3, 1) and (2, 2).
  const bitmap = Uint8Array.from('000000101000100', Number);
  t.deepEqual(crop(bitmap, 5), {bitmap: new Uint8Array([1, 0, 1, 0, 1, 0]), left: 1, top: 1, width: 3, height: 2});
  t.deepEqual(crop(new Uint8Array(15), 5), {bitmap: new Uint8Array(0), left: 0, top: 0, width: 0, height: 0});
});

test('a picture of GlaS with its true glands', async (t) => {
  const path = fileURLToPath(new URL('../../../shared/data/glas-bmp', import.meta.url));
  if (!existsSync(path)) {
    t.log('skipped: no glas-bmp data here');
    t.pass();
    return;
  }
  const data = await MaskFolder.open(path, {classes: ['gland'], include: 'testA_1'});
  const {image, instances} = await data.get(0);
  const picture = await pixels(await drawInstances(image, instances, {...plain, opacity: 1}));
  const mask = instances[0]!.mask!;
  const first = mask.data.indexOf(1);
  const [x, y] = [mask.left + (first % mask.width), mask.top + Math.floor(first / mask.width)];
  t.deepEqual(picture.at(x, y), [...colorOf(0)]);
});

test('a large picture with large objects is drawn in turns: the event loop runs on', async (t) => {
  const side = 1200;
  const image: RgbImage = {data: new Uint8Array(side * side * 3), width: side, height: side};
  const whole = {size: [side, side] as [number, number], counts: await countsOfAll(side)};
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await drawDetections(image, {boxes: Array(4 * 6).fill(0), masks: Array(6).fill(whole)}, {...plain, format: 'jpeg'});
  clearInterval(timer);
  // Nine million pixels are blended.
  t.true(turns > 3, `${turns} turns`);
});

async function countsOfAll(side: number): Promise<string> {
  return (await encodeRle(new Uint8Array(side * side).fill(1), side, side)).counts;
}
