import test from 'ava';
import sharp from 'sharp';
import {MaskRcnnError} from '../../lib/basics/errors.js';
import {confusionMatrixPng, confusionMatrixSvg} from '../../lib/draw/confusion-matrix.js';
import {textPath, textWidth} from '../../lib/draw/font.js';
import type {ConfusionMatrix} from '../../lib/evaluation/scored-data.js';

const INK = '#333';
const FULL = [0, 114, 178];
const TOP = 46;

function matrix(classes: number, value: (row: number, column: number) => number): ConfusionMatrix {
  const count = classes + 1;
  return {
    classes: Array.from({length: classes}, (_, i) => `c${i}`),
    counts: Array.from({length: count}, (_, r) => Array.from({length: count}, (_, c) => value(r, c))),
  };
}

/** The left edge of the matrix. It is right of the names, of which 'background' is the longest. */
const left = (size = 10) => 16 + 26 + Math.ceil(textWidth('background', size)) + 10;

type Cell = {row: number; column: number; fill: string};

function cells(svg: string, cell: number, from = left()): Cell[] {
  return Array.from(svg.matchAll(/<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)" fill="(rgb[^"]+|#eee)"/g))
    .filter(([, , , width, height]) => Number(width) === cell && Number(height) === cell)
    .map(([, x, y, , , fill]) => ({row: (Number(y) - TOP) / cell, column: (Number(x) - from) / cell, fill: fill!}));
}

/** A number in the centre of a cell. */
function number(text: string, row: number, column: number, {cell, color}: {cell: number; color: string}): string {
  const size = Math.min(11, cell / 4, (11 * (cell - 6)) / textWidth(text, 11));
  const [x, y] = [left() + (column + 0.5) * cell, TOP + row * cell + (cell + size) / 2];
  return textPath(text, x, y, {size, color, anchor: 'middle'});
}

const shade = (share: number) => `rgb(${FULL.map((c) => Math.round(255 + (c - 255) * share)).join(',')})`;

const two: ConfusionMatrix = {
  classes: ['cat', 'dog'],
  counts: [
    [6, 2, 0],
    [0, 0, 0],
    [3, 1, 0],
  ],
};

test('cells stand at their row and column, as dark as their share of the row', (t) => {
  t.deepEqual(cells(confusionMatrixSvg(two), 84), [
    {row: 0, column: 0, fill: shade(0.75)},
    {row: 0, column: 1, fill: shade(0.25)},
    {row: 2, column: 0, fill: shade(0.75)},
    {row: 2, column: 1, fill: shade(0.25)},
    {row: 2, column: 2, fill: '#eee'},
  ]);
});

test('each cell has its count, or its share; an empty row has none', (t) => {
  const counts = confusionMatrixSvg(two);
  const shares = confusionMatrixSvg(two, {normalize: true});
  const black = {cell: 84, color: '#000'};
  const pale = {cell: 84, color: '#a8a8a8'};
  t.true(counts.includes(number('6', 0, 0, black)));
  t.true(counts.includes(number('2', 0, 1, black)));
  t.true(counts.includes(number('0', 0, 2, pale)));
  t.true(counts.includes(number('3', 2, 0, black)));
  t.false(counts.includes(number('0', 2, 2, pale)), 'background taken for background is not counted');
  t.true(shares.includes(number('0.75', 0, 0, black)));
  t.true(shares.includes(number('0.25', 2, 1, black)));
  t.true(shares.includes(number('0', 0, 2, pale)));
  for (const column of [0, 1, 2]) {
    t.true(counts.includes(number('0', 1, column, pale)));
    t.true(shares.includes(number('–', 1, column, pale)));
  }
  for (const svg of [counts, shares]) t.notRegex(svg, /NaN|Infinity|undefined|<text/);
});

test('numbers are white on dark cells, and short', (t) => {
  const svg = confusionMatrixSvg(matrix(2, (r, c) => (r === c ? [9999, 12_345, 3_400_000][r]! : 0)));
  const white = {cell: 84, color: '#fff'};
  for (const [i, text] of ['9999', '12k', '3.4M'].entries()) t.true(svg.includes(number(text, i, i, white)), text);
});

test('rows and columns are named, the axes and the background too', (t) => {
  const svg = confusionMatrixSvg(two, {title: 'Masks & boxes'});
  const middle = {color: INK, anchor: 'middle'} as const;
  for (const [i, name] of ['cat', 'dog', 'background'].entries()) {
    const offset = (i + 0.5) * 84;
    t.true(svg.includes(textPath(name, left() - 8, TOP + offset + 5, {size: 10, color: INK, anchor: 'end'})), name);
    t.true(svg.includes(textPath(name, left() + offset, TOP + 3 * 84 + 8 + 10, {size: 10, ...middle})), name);
  }
  t.true(svg.includes(textPath('true', 26, TOP + 1.5 * 84, {size: 10, ...middle, turn: -90})));
  t.true(svg.includes(textPath('predicted', left() + 1.5 * 84, TOP + 3 * 84 + 46, {size: 10, ...middle})));
  t.true(svg.includes(textPath('Masks & boxes', 16, 28, {size: 12, color: INK})));
  t.true(svg.includes('<title>Masks &amp; boxes</title>'));
});

test('long names are turned and cut, and stay inside the picture', (t) => {
  const name = 'a class whose name is longer than anyone could wish for';
  const svg = confusionMatrixSvg({...two, classes: [name, 'dog']});
  t.is(svg.match(/rotate\(-90\)/g)?.length, 3 + 2, 'the names of the columns, true, and share of row');
  t.false(svg.includes(textPath(name, 0, 0, {size: 10, color: INK}).split('"')[1]!));
  const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!.map(Number);
  for (const [, path, tx, ty, turn, scale] of svg.matchAll(
    /<path d="([^"]+)" transform="translate\(([\d.]+) ([\d.]+)\)( rotate\(-90\))? scale\(([\d.]+)\)"/g,
  )) {
    for (const [, px, py] of path!.matchAll(/[ML]([\d.-]+) ([\d.-]+)/g)) {
      const [along, down] = [Number(px) * Number(scale), Number(py) * Number(scale)];
      const [x, y] = turn ? [Number(tx) + down, Number(ty) - along] : [Number(tx) + along, Number(ty) + down];
      t.true(x >= 4 && x <= width! - 4 && y >= 4 && y <= height! - 4, `${x}, ${y}`);
    }
  }
});

test('one, 20 and 80 classes: cells shrink, and the smallest have no numbers', async (t) => {
  for (const [classes, cell, size] of [
    [1, 84, 10],
    [20, 38, 10],
    [80, 12, 8],
  ] as const) {
    const given = matrix(classes, (r, c) => (r === c && r < classes ? 5 : 0));
    const svg = confusionMatrixSvg(given);
    const diagonal = Array.from({length: classes}, (_, i) => ({row: i, column: i, fill: shade(1)}));
    t.deepEqual(cells(svg, cell, left(size)), [...diagonal, {row: classes, column: classes, fill: '#eee'}]);
    t.is(svg.includes(number('5', 0, 0, {cell, color: '#fff'})), cell > 12);

    const {data, info} = await sharp(await confusionMatrixPng(given))
      .raw()
      .toBuffer({resolveWithObject: true});
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!.map(Number);
    t.deepEqual([info.width, info.height, info.channels], [width, height, 3]);
    t.true(info.width >= left(size) + (classes + 1) * cell && info.width < 1300, `${info.width}`);
    const at = (row: number, column: number) => {
      const pixel = (TOP + row * cell + 3) * info.width + left(size) + column * cell + 3;
      return [...data.subarray(pixel * 3, pixel * 3 + 3)];
    };
    t.deepEqual(at(classes - 1, classes - 1), FULL);
    t.deepEqual(at(classes - 1, classes), [255, 255, 255]);
    t.deepEqual(at(classes, classes), [238, 238, 238]);
  }
});

test('no classes and no counts are a picture', async (t) => {
  for (const given of [matrix(0, () => 0), matrix(3, () => 0)]) {
    for (const normalize of [false, true]) {
      t.notRegex(confusionMatrixSvg(given, {normalize}), /NaN|Infinity|undefined/);
      t.is((await sharp(await confusionMatrixPng(given, {normalize})).metadata()).format, 'png');
    }
  }
});

test('counts that are not (K+1)×(K+1) numbers and unknown options are refused', (t) => {
  const refused = (counts: number[][]) =>
    t
      .throws(() => confusionMatrixSvg({classes: ['cat'], counts}), {
        instanceOf: MaskRcnnError,
        code: 'INVALID_OPTION',
      })!
      .message.split('\n')[0];
  const rule = 'The counts of confusionMatrixSvg must be 2 rows of 2 numbers from 0 on, got ';
  t.is(refused([[1, 2]]), `${rule}1 of them.`);
  t.is(refused([[1, 2], [3]]), `${rule}1 in row 1.`);
  t.is(
    refused([
      [1, -2],
      [3, 0],
    ]),
    `${rule}-2 in row 0, column 1.`,
  );
  t.is(
    refused([
      [1, Number.NaN],
      [3, 0],
    ]),
    `${rule}NaN in row 0, column 1.`,
  );
  t.throws(() => confusionMatrixSvg(two, {normalise: true} as never), {
    code: 'INVALID_OPTION',
    message: /no option 'normalise'/,
  });
});
