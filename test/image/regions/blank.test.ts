import test from 'ava';
import {isBlank} from '../../../lib/image/regions/blank.js';

/** An image of 100 × 10 pixels of one colour, with `count` pixels of another. */
function image(colour: readonly number[], count = 0, other: readonly number[] = [200, 100, 160]) {
  const data = new Uint8Array(3000);
  for (let i = 0; i < 1000; i++) data.set(i < count ? other : colour, i * 3);
  return {data, width: 100, height: 10};
}

test('bright pixels without colour are background', async (t) => {
  t.true(await isBlank(image([255, 255, 255])));
  t.true(await isBlank(image([243, 240, 238])));
  t.true(await isBlank(image([200, 200, 200])));
  t.true(await isBlank(image([255, 240, 255])), 'saturation 15');
  t.false(await isBlank(image([255, 239, 255])), 'saturation 16');
  t.false(await isBlank(image([199, 199, 199])), 'grey');
  t.false(await isBlank(image([0, 0, 0])), 'black');
  t.false(await isBlank(image([230, 150, 190])), 'eosin');
});

test('the share says how much may be something else', async (t) => {
  t.true(await isBlank(image([240, 240, 240], 1)));
  t.false(await isBlank(image([240, 240, 240], 2)));
  t.true(await isBlank(image([240, 240, 240], 500), {share: 0.5}));
  t.false(await isBlank(image([240, 240, 240], 501), {share: 0.5}));
  t.false(await isBlank(image([240, 240, 240], 1), {share: 1}));
});

test('options and images are checked', async (t) => {
  for (const share of [0, 1.1, Number.NaN, '1' as unknown as number]) {
    await t.throwsAsync(isBlank(image([0, 0, 0]), {share}), {code: 'INVALID_OPTION'});
  }
  for (const wrong of [
    {data: new Uint8Array(4), width: 1, height: 1},
    {data: new Uint8Array(0), width: 0, height: 0},
  ]) {
    await t.throwsAsync(isBlank(wrong), {code: 'INVALID_IMAGE'});
  }
});
