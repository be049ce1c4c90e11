import test from 'ava';
import {instancesFromIds} from '../../lib/datasets/instances.js';
import {connectedComponents} from '../../lib/masks/components.js';

const file = 'mask.png';

/** An id image given as rows of digits. */
function parse(...rows: string[]) {
  return {ids: rows.flatMap((row) => [...row].map(Number)), width: rows[0]!.length, height: rows.length};
}

test('boxes have exclusive maxima, masks are cropped, ids are in order', async (t) => {
  const image = parse('00220', '00020', '70000');
  const {instances, dropped} = await instancesFromIds(image, {label: 1, minArea: 1, file});
  t.is(dropped, 0);
  t.deepEqual(instances, [
    {
      label: 1,
      id: 2,
      box: [2, 0, 4, 2],
      mask: {left: 2, top: 0, width: 2, height: 2, data: new Uint8Array([1, 1, 0, 1])},
    },
    {label: 1, id: 7, box: [0, 2, 1, 3], mask: {left: 0, top: 2, width: 1, height: 1, data: new Uint8Array([1])}},
  ]);
});

test('touching instances stay apart, and parts of one id stay together', async (t) => {
  const {instances} = await instancesFromIds(parse('1122', '0000', '1000'), {label: 1, minArea: 1, file});
  t.deepEqual(
    instances.map(({box}) => box),
    [
      [0, 0, 2, 3],
      [2, 0, 4, 1],
    ],
  );
  t.deepEqual([...instances[0]!.mask.data], [1, 1, 0, 0, 1, 0]);
});

test('an instance inside another’s box is not part of its mask', async (t) => {
  const {instances} = await instancesFromIds(parse('111', '121', '111'), {label: 1, minArea: 1, file});
  t.is(instances[0]!.mask.data.join(''), '111101111');
  t.deepEqual(instances[1]!.box, [1, 1, 2, 2]);
});

test('instances under minArea are dropped and counted', async (t) => {
  const image = parse('1122', '0002', '3000');
  const {instances, dropped} = await instancesFromIds(image, {label: 1, minArea: 3, file});
  t.deepEqual(
    instances.map(({id}) => id),
    [2],
  );
  t.is(dropped, 2);
  t.deepEqual(await instancesFromIds(parse('00', '00'), {label: 1, minArea: 1, file}), {instances: [], dropped: 0});
});

test('components touch at corners and are numbered in reading order', async (t) => {
  const {ids, width, height} = parse('01001', '10001', '00100');
  const components = await connectedComponents(ids, width, height);
  t.is(components.count, 3);
  t.is(components.ids.join(''), '010021000200300');
});

test('a component that winds does not overflow the stack', async (t) => {
  const {count} = await connectedComponents(new Uint8Array(1000 * 1000).fill(1), 1000, 1000);
  t.is(count, 1);
});
