import test from 'ava';
import {type Detections, detectionsToJson} from '../../lib/index.js';

const found: Detections<'none'> = {
  width: 8,
  height: 4,
  boxes: Float32Array.of(0, 1, 2, 3, 4, 0, 8, 4),
  labels: Int32Array.of(2, 1),
  classNames: ['cat', 'dog'],
  scores: Float32Array.of(0.75, 0.5),
  masks: [],
};

test('detections become plain values, object by object', (t) => {
  const masks = ['a', 'b'].map((counts) => ({size: [4, 8] as [number, number], counts}));
  const json = detectionsToJson({...found, file: 'a.png', masks});
  t.deepEqual(JSON.parse(JSON.stringify(json)), {
    file: 'a.png',
    width: 8,
    height: 4,
    objects: [
      {id: 1, class: 'cat', score: 0.75, box: [0, 1, 2, 3], mask: {size: [4, 8], counts: 'a'}},
      {id: 2, class: 'dog', score: 0.5, box: [4, 0, 8, 4], mask: {size: [4, 8], counts: 'b'}},
    ],
  });
});

test('pixels have no file, and detections without masks none in JSON', (t) => {
  const {objects, ...image} = detectionsToJson(found);
  t.deepEqual(image, {width: 8, height: 4});
  t.deepEqual(objects[1], {id: 2, class: 'dog', score: 0.5, box: [4, 0, 8, 4]});
});
