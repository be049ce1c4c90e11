import test from 'ava';
import type {Augmentation} from '../../lib/augment/augmentation.js';
import {copyPaste} from '../../lib/augment/copy-paste.js';
import {flipHorizontal, flipVertical} from '../../lib/augment/flip.js';
import {scaling, translation} from '../../lib/augment/matrix.js';
import {randomRotate90} from '../../lib/augment/rotate90.js';
import {warp} from '../../lib/augment/warp.js';
import {Random} from '../../lib/basics/random.js';
import type {Instance, Sample} from '../../lib/datasets/dataset.js';
import {alone} from './samples.js';

type Box = Instance['box'];

/** An image of 20 × 10 pixels with objects of which only the boxes are known. */
function sampleOf(...boxes: Box[]): Sample {
  const image = {data: new Uint8Array(20 * 10 * 3).fill(9), width: 20, height: 10};
  return {file: 'a.png', image, instances: boxes.map((box, i) => ({label: 1, box, id: i + 1}))};
}

const onlyBox = (box: Box, id = 1): Instance => ({label: 1, box, id});

test('flips mirror a box, fractions included', (t) => {
  const sample = sampleOf([2.5, 1, 6, 4.25]);
  t.deepEqual(flipHorizontal(sample).instances, [onlyBox([14, 1, 17.5, 4.25])]);
  t.deepEqual(flipVertical(sample).instances, [onlyBox([2.5, 5.75, 6, 9])]);
});

test('a map gives the box around the image of the box', async (t) => {
  const sample = sampleOf([2, 1, 6, 4]);
  const of = async (matrix: Parameters<typeof warp>[1]['matrix'], size = {width: 20, height: 10}) =>
    (await warp(sample, {matrix, ...size, border: [0, 0, 0]})).instances;
  t.deepEqual(await of(translation(1, 1)), [onlyBox([1, 0, 5, 3])]);
  // What leaves the image is cut off, and a box that is outside is no object any more.
  t.deepEqual(await of(translation(4, 0)), [onlyBox([0, 1, 2, 4])]);
  t.deepEqual(await of(translation(10, 0)), []);
  t.deepEqual(await of(scaling(0.5, 0.5), {width: 40, height: 20}), [onlyBox([4, 2, 12, 8])]);
});

test('a quarter turn turns the box', async (t) => {
  const turned = await randomRotate90()(sampleOf([2, 1, 6, 4]), new Random(1), alone);
  const {box, ...rest} = turned.instances[0]!;
  t.deepEqual(rest, {label: 1, id: 1});
  const [w, h] = [box[2] - box[0], box[3] - box[1]];
  t.deepEqual([w, h], turned.image.width === 20 ? [4, 3] : [3, 4]);
});

test('objects without a mask are not pasted, and keep their box where they are covered in part', async (t) => {
  const pasted: Instance = {
    ...{label: 1, box: [0, 0, 10, 10], id: 9},
    mask: {left: 0, top: 0, width: 10, height: 10, data: new Uint8Array(100).fill(1)},
  };
  const paste: Augmentation = copyPaste({chance: 1, share: 1});
  const another = async () => ({...sampleOf([12, 2, 15, 5]), instances: [pasted, onlyBox([12, 2, 15, 5], 8)]});
  const {instances} = await paste(sampleOf([1, 1, 4, 4], [8, 2, 18, 8]), new Random(1), {another});
  t.deepEqual(
    instances.map(({id, box}) => [id, box]),
    [
      [2, [8, 2, 18, 8]],
      [9, [0, 0, 10, 10]],
    ],
  );
});
