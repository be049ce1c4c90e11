import test from 'ava';
import {fillValues, fnv1a, type Gains, hash} from './formula.js';
import {readFixture} from './measure.js';
import {type Scene, sceneImage, sceneTarget} from './scenes.js';

/** FNV-1a checksums of the bytes that Python computes with the same formulas. */
type Checksums = {
  gains: Gains;
  tensors: {name: string; shape: number[]; checksum: number}[];
  scenes: {scene: Scene; image: number; maskData: number; boxes: number[][]; labels: number[]}[];
};

const {gains, tensors, scenes} = readFixture<Checksums>('formula');

test('the hashes have the values of their authors', (t) => {
  t.is(fnv1a(''), 0x811c9dc5);
  t.is(fnv1a('foobar'), 0xbf9cf968); // the test vector of the algorithm's reference code
  t.is(hash(0), 0);
  t.not(hash(1), hash(2));
});

for (const {name, shape, checksum} of tensors) {
  test(`${name} of shape ${shape.join('×')} is filled as in Python, bit for bit`, (t) => {
    t.is(fnv1a(new Uint8Array(fillValues(name, shape, gains).buffer)), checksum);
  });
}

for (const {scene, image, maskData, boxes, labels} of scenes) {
  test(`the scene of ${scene.width}×${scene.height} is drawn as in Python, bit for bit`, (t) => {
    t.is(fnv1a(sceneImage(scene).data), image);
    const target = sceneTarget(scene);
    t.is(fnv1a(target.maskData), maskData);
    t.deepEqual([...target.boxes], boxes.flat());
    t.deepEqual([...target.labels], labels);
    t.is(target.maskRects.length, boxes.length * 4);
  });
}
