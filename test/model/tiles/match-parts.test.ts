import test from 'ava';
import {loadBinding} from '../../../lib/addon/binding.js';
import type {Side} from '../../../lib/image/regions/tile-grid.js';
import {rleFromRuns} from '../../../lib/index.js';
import type {Rect} from '../../../lib/masks/placed-mask.js';
import {matchParts} from '../../../lib/model/tiles/match-parts.js';
import type {Part} from '../../../lib/model/tiles/part.js';

/** A filled rectangle, of which only what matters here is given. */
async function part({left, top, width, height}: Rect, cutAt: Side[] = []): Promise<Part> {
  const rle = await rleFromRuns([0, width * height], width, height);
  return {label: 1, mask: {left, top, rle}, area: width * height, cutAt} as unknown as Part;
}

/** What two tiles share that touch at a corner. */
const corner = {left: 60, top: 60, width: 40, height: 40};

const match = async (parts: Part[], others: Part[]) => matchParts(await loadBinding(), parts, others, corner);

test('rims of fewer than 4 pixels do not match, though they are equal, if both objects go on elsewhere', async (t) => {
  // One comes from the left, the other goes on below. Both show the first columns of the corner.
  const pair = async (columns: number) => {
    const fromLeft = await part({left: 0, top: 60, width: 60 + columns, height: 40}, ['bottom']);
    const toBottom = await part({left: 60, top: 60, width: columns, height: 90}, ['left', 'top']);
    return {fromLeft, toBottom};
  };
  const thin = await pair(3);
  t.deepEqual(await match([thin.fromLeft], [thin.toBottom]), []);
  const thick = await pair(4);
  t.deepEqual(await match([thick.fromLeft], [thick.toBottom]), [[thick.fromLeft, thick.toBottom]]);
});

test('an object of one pixel matches', async (t) => {
  const [a, b] = [
    await part({left: 70, top: 70, width: 1, height: 1}),
    await part({left: 70, top: 70, width: 1, height: 1}),
  ];
  t.deepEqual(await match([a], [b]), [[a, b]]);
});

test('each part has one partner, the one that it overlaps most', async (t) => {
  const outer = {left: 62, top: 62, width: 30, height: 30};
  const inner = {left: 64, top: 64, width: 26, height: 26}; // 0.75 of the outer one
  const [a, b, c, d] = [await part(outer), await part(inner), await part(inner), await part(outer)];
  t.deepEqual(await match([a, b], [c, d]), [
    [b, c],
    [a, d],
  ]);
  t.deepEqual(await match([a], [c]), [[a, c]]);
  t.deepEqual(await match([], [c]), []);
  t.deepEqual(await match([a], [{...c, label: 2}]), []);
});

test('half of the larger one is not enough', async (t) => {
  const a = await part({left: 70, top: 70, width: 10, height: 10});
  const half = await part({left: 70, top: 70, width: 10, height: 5});
  const more = await part({left: 70, top: 70, width: 10, height: 6});
  t.deepEqual(await match([a], [half]), []);
  t.deepEqual(await match([half], [a]), []);
  t.deepEqual(await match([a], [more]), [[a, more]]);
  t.deepEqual(await match([more], [a]), [[more, a]]);
});

test('small objects match two pixels apart, and touching ones find their own partners', async (t) => {
  const [a, b] = [
    await part({left: 70, top: 70, width: 8, height: 8}),
    await part({left: 78, top: 70, width: 8, height: 8}),
  ];
  const [c, d] = [
    await part({left: 72, top: 72, width: 8, height: 8}),
    await part({left: 80, top: 72, width: 8, height: 8}),
  ];
  t.deepEqual(await match([a], [c]), [[a, c]]);
  t.deepEqual(
    new Set(await match([a, b], [c, d])),
    new Set([
      [a, c],
      [b, d],
    ]),
  );
  t.deepEqual(await match([b], [c]), []); // the neighbour, which has 12 of its 64 pixels
});
