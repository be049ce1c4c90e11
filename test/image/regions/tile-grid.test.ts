import test from 'ava';
import fc from 'fast-check';
import {TileGrid} from '../../../lib/image/regions/tile-grid.js';
import {sharedRect} from '../../../lib/masks/placed-mask.js';

const grids = fc.integer({min: 1, max: 40}).chain((size) =>
  fc.record({
    size: fc.constant(size),
    overlap: fc.integer({min: 0, max: Math.floor(size / 2)}),
    width: fc.integer({min: 1, max: 130}),
    height: fc.integer({min: 1, max: 130}),
  }),
);

const tilesOf = (grid: TileGrid) => Array.from({length: grid.count}, (_, index) => grid.tile(index));

test('by hand: three tiles, of which the last is shifted inwards', (t) => {
  const grid = new TileGrid({width: 250, height: 60}, 100, 20);
  t.deepEqual(tilesOf(grid), [
    {left: 0, top: 0, width: 100, height: 60},
    {left: 80, top: 0, width: 100, height: 60},
    {left: 150, top: 0, width: 100, height: 60},
  ]);
  t.deepEqual(
    [0, 1, 2].map((index) => grid.core(index)),
    [
      {left: 0, top: 0, width: 90, height: 60},
      {left: 90, top: 0, width: 75, height: 60},
      {left: 165, top: 0, width: 85, height: 60},
    ],
  );
  t.deepEqual(grid.innerSides(1), ['left', 'right']);
  t.is(new TileGrid({width: 1, height: 1}, 1024, 128).count, 1);
});

test('tiles have one size, are inside the image and share at least the overlap with the next', (t) => {
  fc.assert(
    fc.property(grids, ({size, overlap, width, height}) => {
      const tiles = tilesOf(new TileGrid({width, height}, size, overlap));
      for (const [index, tile] of tiles.entries()) {
        t.deepEqual([tile.width, tile.height], [Math.min(size, width), Math.min(size, height)]);
        t.true(tile.left >= 0 && tile.left + tile.width <= width && tile.top >= 0 && tile.top + tile.height <= height);
        const next = tiles[index + 1];
        if (next?.top === tile.top) t.true(tile.left + tile.width - next.left >= overlap && next.left > tile.left);
      }
    }),
  );
});

test('the cores cover the image once, each inside its tile', (t) => {
  fc.assert(
    fc.property(grids, ({size, overlap, width, height}) => {
      const grid = new TileGrid({width, height}, size, overlap);
      const covered = new Uint8Array(width * height);
      for (let index = 0; index < grid.count; index++) {
        const core = grid.core(index);
        t.deepEqual(sharedRect(core, grid.tile(index)), core);
        for (let y = core.top; y < core.top + core.height; y++) {
          for (let x = core.left; x < core.left + core.width; x++) covered[y * width + x]!++;
        }
      }
      t.true(covered.every((times) => times === 1));
    }),
  );
});

test('over() names the tiles that share pixels with a rectangle', (t) => {
  const rects = fc.record({
    left: fc.nat(129),
    top: fc.nat(129),
    width: fc.integer({min: 1, max: 130}),
    height: fc.constant(7),
  });
  fc.assert(
    fc.property(grids, rects, ({size, overlap, width, height}, rect) => {
      const inside = sharedRect(rect, {left: 0, top: 0, width, height});
      if (inside === undefined) return;
      const grid = new TileGrid({width, height}, size, overlap);
      const expected = tilesOf(grid).flatMap((tile, index) => (sharedRect(tile, inside) === undefined ? [] : [index]));
      t.deepEqual(grid.over(inside), expected);
    }),
  );
});
