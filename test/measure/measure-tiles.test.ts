import test from 'ava';
import {regionsOfImage} from '../../lib/image/regions/image-regions.js';
import {type MeasurableObject, measure} from '../../lib/index.js';
import {encodeRle} from '../../lib/masks/rle-operations.js';
import {measureTiles} from '../../lib/measure/measure-tiles.js';
import type {ObjectMeasurements} from '../../lib/measure/measurements.js';

const [width, height] = [60, 40];

/** A mask in its own rectangle, and the same one in the image. */
async function placed(left: number, top: number, w: number, h: number, is: (x: number, y: number) => boolean) {
  const own = Uint8Array.from({length: w * h}, (_, i) => Number(is(i % w, Math.floor(i / w))));
  const whole = new Uint8Array(width * height);
  for (const [i, pixel] of own.entries()) whole[(top + Math.floor(i / w)) * width + left + (i % w)] = pixel;
  const rle = await encodeRle(own, w, h);
  const object: MeasurableObject = {className: 'cell', score: 0.5, mask: {left, top, rle}};
  return {object, rle: await encodeRle(whole, width, height)};
}

test('objects in their own rectangles have the numbers that masks of the whole image have', async (t) => {
  const data = Uint8Array.from({length: width * height * 3}, (_, i) => (i * 37) % 251);
  const image = {data, width, height};
  const shapes = await Promise.all([
    placed(0, 5, 9, 12, (x, y) => x >= y % 5),
    placed(20, 10, 21, 17, (x, y) => Math.hypot(x - 10, y - 8) < 8 && Math.hypot(x - 10, y - 8) > 3),
    placed(50, 30, 10, 10, (x, y) => (x + y) % 3 > 0),
    placed(31, 2, 1, 1, () => true),
  ]);
  for (const micronsPerPixel of [undefined, 0.25]) {
    const options = micronsPerPixel === undefined ? {} : {micronsPerPixel};
    const expected = await measure(
      image,
      shapes.map(({rle}) => rle),
      options,
    );
    const found: ObjectMeasurements[] = [];
    const objects = shapes.map(({object}) => object);
    for await (const one of measureTiles(objects, regionsOfImage(image), options)) found.push(one);
    t.is(found.length, 4);
    for (const [i, {class: name, score, ...numbers}] of found.entries()) {
      t.deepEqual([name, score], ['cell', 0.5]);
      t.deepEqual(Object.keys(numbers).sort(), Object.keys(expected[i]!).sort());
      for (const [key, value] of Object.entries(expected[i]!)) {
        const got = numbers[key as 'area'];
        if (typeof value !== 'number') throw new Error(key);
        t.true(Object.is(got, value) || Math.abs(got - value) <= 1e-9 * Math.max(1, Math.abs(value)), `${i} ${key}`);
      }
    }
    t.deepEqual(
      found.map(({touches_border}) => touches_border),
      [1, 0, 1, 0],
    );
  }
});

test('the size of a pixel is that of the file, if nothing else is said', async (t) => {
  const image = {data: new Uint8Array(width * height * 3), width, height};
  const source = {...regionsOfImage(image), micronsPerPixel: 2};
  const {object} = await placed(4, 6, 3, 5, () => true);
  for await (const {area_um2, 'centroid-1_um': x} of measureTiles([object], source))
    t.deepEqual([area_um2, x], [60, 10]);
});
