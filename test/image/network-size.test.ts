import test from 'ava';
import {checkNetworkSize} from '../../lib/image/network-size.js';

const options = {maxSize: 1333, fixedSize: null};

test('an image is too thin if none of its shorter side is left', (t) => {
  const check = (width: number, height: number) => () => checkNetworkSize({width, height}, options, {name: 'a.png'});
  for (const [width, height] of [
    [1, 1],
    [1333, 1],
    [1, 1333],
    [2666, 2],
    [100_000, 76],
  ] as const) {
    t.notThrows(check(width, height), `${width} × ${height}`);
  }
  for (const [width, height] of [
    [1334, 1],
    [1, 1334],
    [2667, 2],
    [100_000, 75],
  ] as const) {
    t.throws(check(width, height), {code: 'INVALID_IMAGE', message: /a\.png of .* too thin/}, `${width} × ${height}`);
  }
});

test('a fixed size leaves every image a side', (t) => {
  t.notThrows(() => checkNetworkSize({width: 5000, height: 1}, {...options, fixedSize: [64, 64]}, {name: 'a.png'}));
});

test('the error has the file', (t) => {
  const check = () => checkNetworkSize({width: 1, height: 3000}, options, {name: 'a.png', file: 'a.png'});
  const error = t.throws(check, {code: 'INVALID_IMAGE'}) as Error & {file: string};
  t.is(error.file, 'a.png');
  t.regex(error.message, /1 × 3000 pixels .* resized to 1333/);
});
