import test from 'ava';
import fc from 'fast-check';
import {gatherBlocks, placesIn} from '../../../lib/image/regions/block-rects.js';

test('blocks are gathered in rectangles, each block once, and those that are alone by themselves', (t) => {
  const side = fc.integer({min: 1, max: 7});
  const any = fc.record({columns: side, rows: side, most: fc.integer({min: 1, max: 12}), seed: fc.nat(1 << 20)});
  fc.assert(
    fc.property(any, fc.integer({min: 0, max: 3}), ({columns, rows, most, seed}, rarity) => {
      const isAlone = ({column, row}: {column: number; row: number}) =>
        rarity > 0 && (seed + 31 * column + 17 * row) % (2 * rarity + 1) === 0;
      const all = {column: 3, row: 2, columns, rows};
      const gathered = gatherBlocks(all, most, isAlone);
      const seen = gathered.flatMap(placesIn).map(({column, row}) => `${column},${row}`);
      t.deepEqual(
        [...seen].sort(),
        placesIn(all)
          .map(({column, row}) => `${column},${row}`)
          .sort(),
      );
      for (const rect of gathered) {
        const places = placesIn(rect);
        t.true(places.length <= most);
        t.true(places.length === 1 || !places.some(isAlone));
      }
    }),
  );
  t.deepEqual(
    gatherBlocks({column: 0, row: 0, columns: 5, rows: 5}, 16, () => false).map(({rows}) => rows),
    [3, 2],
  );
});
