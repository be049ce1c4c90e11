import test from 'ava';
import fc from 'fast-check';
import {loadBinding} from '../../../lib/addon/binding.js';
import {decodeBytes, decodeFloats, decodeIntegers, largestDifference, readCases} from '../fixture.js';
import {type ImageSizes, naiveMaskTargets} from '../oracles/mask-targets.js';

const {ops} = await loadBinding();

const target = (maskRects: Int32Array, maskData: Uint8Array) => ({
  boxes: new Float32Array(maskRects.length),
  labels: new Int32Array(maskRects.length / 4).fill(1),
  maskRects,
  maskData,
});

test('the left half of a box is object, the right half is not', (t) => {
  // An image of 8 × 4 pixels with an object in columns 0..3. The box is the whole image.
  const masks = target(Int32Array.of(0, 0, 4, 4), new Uint8Array(16).fill(1));
  const image = {width: 8, height: 4, resizedWidth: 8, resizedHeight: 4};
  const targets = ops.maskTargets(masks, image, Float32Array.of(0, 0, 8, 4), Int32Array.of(0), 2);
  // The cell x = 0..4 has samples at 0.5, 1.5, 2.5 and 3.5. The last one is half way between the object and the
  // background.
  t.deepEqual([...targets], [0.875, 0, 0.875, 0]);
});

test('a resized mask repeats its pixels; the box is in resized pixels', (t) => {
  const masks = target(Int32Array.of(1, 0, 1, 1), Uint8Array.of(1)); // the second of two pixels
  const image = {width: 2, height: 1, resizedWidth: 8, resizedHeight: 4};
  const targets = ops.maskTargets(masks, image, Float32Array.of(0, 0, 8, 4), Int32Array.of(0), 2);
  t.deepEqual([...targets], [0.125, 1, 0.125, 1]);
});

test('each box gets the mask of its own instance', (t) => {
  const masks = target(Int32Array.of(0, 0, 4, 4, 0, 0, 0, 0), new Uint8Array(16).fill(1));
  const image = {width: 4, height: 4, resizedWidth: 4, resizedHeight: 4};
  const boxes = Float32Array.of(0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2);
  t.deepEqual([...ops.maskTargets(masks, image, boxes, Int32Array.of(1, 0, 1), 1)], [0, 1, 0]);
  t.is(ops.maskTargets(masks, image, new Float32Array(0), new Int32Array(0), 28).length, 0);
});

test('agrees with the naive implementation, which resizes whole masks', (t) => {
  const side = fc.integer({min: 1, max: 14});
  const resizedSide = fc.integer({min: 1, max: 24});
  const coordinate = fc.integer({min: -40, max: 240}).map((eighths) => eighths / 8);
  const share = fc.double({min: 0, max: 1, noNaN: true});
  const cases = fc.record({
    image: fc.record({width: side, height: side, resizedWidth: resizedSide, resizedHeight: resizedSide}),
    crops: fc.array(fc.tuple(share, share, share, share), {minLength: 1, maxLength: 3}),
    pixels: fc.infiniteStream(fc.nat(1)),
    rois: fc.array(fc.tuple(fc.nat(), coordinate, coordinate, coordinate, coordinate), {maxLength: 4}),
    cells: fc.integer({min: 1, max: 5}),
  });
  fc.assert(
    fc.property(cases, ({image, crops, pixels, rois, cells}) => {
      const rects = crops.map(([x, y, w, h]) => {
        const [left, top] = [Math.floor(x * image.width), Math.floor(y * image.height)];
        return [left, top, Math.round(w * (image.width - left)), Math.round(h * (image.height - top))];
      });
      const count = rects.reduce((sum, [, , width, height]) => sum + width! * height!, 0);
      const masks = target(Int32Array.from(rects.flat()), Uint8Array.from(pixels.take(count)));
      const boxes = Float32Array.from(rois.flatMap(([, ...box]) => box));
      const matched = Int32Array.from(rois, ([instance]) => instance % rects.length);
      const targets = ops.maskTargets(masks, image, boxes, matched, cells);
      t.true(largestDifference(targets, naiveMaskTargets(masks, image, boxes, matched, cells)) < 1e-5);
    }),
  );
});

type MaskTargetsCase = {
  image: ImageSizes;
  maskRects: string;
  maskData: string;
  rois: string;
  matched: string;
  side: number;
  targets: string;
};

test("equals torchvision's resizing and projection, for images made smaller and larger", (t) => {
  for (const {image, side, ...arrays} of readCases<MaskTargetsCase>('mask-targets')) {
    const masks = target(decodeIntegers(arrays.maskRects), decodeBytes(arrays.maskData));
    const targets = ops.maskTargets(masks, image, decodeFloats(arrays.rois), decodeIntegers(arrays.matched), side);
    t.true(largestDifference(targets, decodeFloats(arrays.targets)) < 1e-5);
  }
});
