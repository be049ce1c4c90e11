import test, {type ExecutionContext} from 'ava';
import {loadBinding} from '../../../lib/addon/binding.js';

const {ops, rle} = await loadBinding();

type ErrorClass = typeof TypeError | typeof RangeError;

function refused(t: ExecutionContext, instanceOf: ErrorClass, message: string | RegExp, call: () => unknown): void {
  t.throws(call, {instanceOf, message});
}

const floats = (...values: number[]) => Float32Array.from(values);
const options = {spatialScale: 1, outputSize: 2, samplingRatio: 2};
const roi = floats(0, 0, 0, 2, 2);

test('nms refuses boxes that are no boxes', (t) => {
  const scores = floats(1);
  refused(t, TypeError, 'boxes must be a Float32Array.', () => ops.nms([0, 0, 1, 1] as never, scores, 0.5));
  refused(t, TypeError, 'scores must be a Float32Array.', () =>
    ops.nms(floats(0, 0, 1, 1), new Float64Array(1) as never, 0.5),
  );
  refused(t, RangeError, 'The length of boxes must be a multiple of 4, got 3.', () =>
    ops.nms(floats(0, 0, 1), scores, 0.5),
  );
  refused(t, RangeError, 'The length of scores must be 2, got 1.', () => ops.nms(new Float32Array(8), scores, 0.5));
  refused(t, RangeError, 'boxes[2] must be finite, got NaN.', () => ops.nms(floats(0, 0, NaN, 1), scores, 0.5));
  refused(t, RangeError, 'scores[0] must be finite, got Infinity.', () =>
    ops.nms(floats(0, 0, 1, 1), floats(Infinity), 0.5),
  );
  refused(t, TypeError, 'iouThreshold must be a number.', () => ops.nms(floats(0, 0, 1, 1), scores, '0.5' as never));
  refused(t, RangeError, 'iouThreshold must be finite, got NaN.', () => ops.nms(floats(0, 0, 1, 1), scores, NaN));
  refused(t, RangeError, 'The length of groups must be 1, got 2.', () =>
    ops.batchedNms(floats(0, 0, 1, 1), scores, new Int32Array(2), 0.5),
  );
});

test('roiAlign refuses lengths and rois that do not fit its input', (t) => {
  const input = new Float32Array(8);
  refused(t, RangeError, 'The length of input must be 9, got 8.', () =>
    ops.roiAlign(input, [1, 1, 3, 3], roi, options),
  );
  refused(t, RangeError, 'inputShape[1] must be a whole number in 1..2147483648, got 0.', () =>
    ops.roiAlign(input, [1, 0, 2, 4], roi, options),
  );
  refused(t, TypeError, 'inputShape[3] must be a number.', () => ops.roiAlign(input, [1, 2, 4] as never, roi, options));
  refused(t, RangeError, /^The input must be at most 2147483648 elements, got/, () =>
    ops.roiAlign(input, [2 ** 31, 2 ** 31, 2 ** 31, 2 ** 31], roi, options),
  );
  refused(t, RangeError, 'The length of rois must be a multiple of 5, got 4.', () =>
    ops.roiAlign(input, [1, 2, 2, 2], floats(0, 0, 1, 1), options),
  );
  refused(t, RangeError, 'rois[4] must be finite, got NaN.', () =>
    ops.roiAlign(input, [1, 2, 2, 2], floats(0, 0, 0, 1, NaN), options),
  );
  for (const image of [-1, 1, 0.5]) {
    refused(t, RangeError, `The image of roi 0 must be a whole number in 0..0, got ${image}.`, () =>
      ops.roiAlign(input, [1, 2, 2, 2], floats(image, 0, 0, 1, 1), options),
    );
  }
  refused(t, RangeError, 'outputSize must be a whole number in 1..1024, got 0.', () =>
    ops.roiAlign(input, [1, 2, 2, 2], roi, {...options, outputSize: 0}),
  );
  refused(t, RangeError, 'samplingRatio must be a whole number in 0..1024, got 1.5.', () =>
    ops.roiAlign(input, [1, 2, 2, 2], roi, {...options, samplingRatio: 1.5}),
  );
  refused(t, RangeError, 'The length of gradOutput must be 8, got 7.', () =>
    ops.roiAlignBackward(new Float32Array(7), [1, 2, 2, 2], roi, options),
  );
  refused(t, TypeError, 'options must be an object.', () => ops.roiAlign(input, [1, 2, 2, 2], roi, undefined as never));
});

test('roiAlign takes huge boxes, and refuses those that it cannot sample adaptively', (t) => {
  const input = new Float32Array(4).fill(1);
  const huge = floats(0, -1e30, -1e30, 1e30, 3e38);
  t.deepEqual([...ops.roiAlign(input, [1, 1, 2, 2], huge, options)], [0, 0, 0, 0]);
  refused(t, RangeError, /sampled once a pixel can be at most .* pixels long, got/, () =>
    ops.roiAlign(input, [1, 1, 2, 2], huge, {...options, samplingRatio: 0}),
  );
});

test('decode refuses malformed text', (t) => {
  refused(t, TypeError, 'counts must be a string.', () => rle.decode(Uint8Array.of(52) as never, 2, 2));
  refused(t, RangeError, 'Run lengths must add up to 4 pixels, got 3.', () => rle.decode('3', 2, 2));
  refused(t, RangeError, 'Run lengths must add up to 4 pixels, got 0.', () => rle.decode('', 2, 2));
  refused(t, RangeError, /must be those of 4 pixels, got a run of 5 at character 0/, () => rle.decode('5', 2, 2));
  refused(t, RangeError, /must be those of 4 pixels, got a run of -1 at character 0/, () => rle.decode('O', 2, 2));
  refused(t, RangeError, /end in the middle of a number/, () => rle.decode('3`', 2, 2));
  refused(t, RangeError, /end in the middle of a number/, () => rle.decode('o'.repeat(1000), 2, 2));
  refused(t, RangeError, /characters '0' to 'o', got code 33 at character 1/, () => rle.decode('1!', 2, 2));
  refused(t, RangeError, /characters '0' to 'o'/, () => rle.decode('1é', 2, 2));
  refused(t, RangeError, /characters '0' to 'o', got code 0/, () => rle.decode('4\0', 2, 2));
  refused(t, RangeError, /The bitmap must be at most 2147483648 elements/, () => rle.decode('4', 2 ** 20, 2 ** 20));
});

test('encode and pasteMask refuse lengths that do not fit', (t) => {
  refused(t, RangeError, 'The length of bitmap must be 4, got 3.', () => rle.encode(new Uint8Array(3), 2, 2));
  refused(t, RangeError, /^width must be a whole number in 1\.\./, () => rle.encode(new Uint8Array(0), 0, 2));
  refused(t, RangeError, 'The length of mask must be 4, got 3.', () =>
    ops.pasteMask(new Float32Array(3), 2, floats(0, 0, 1, 1), 4, 4),
  );
  refused(t, RangeError, 'The length of box must be 4, got 5.', () =>
    ops.pasteMask(new Float32Array(4), 2, new Float32Array(5), 4, 4),
  );
  refused(t, RangeError, 'box[0] must be finite, got NaN.', () =>
    ops.pasteMask(new Float32Array(4), 2, floats(NaN, 0, 1, 1), 4, 4),
  );
  refused(t, RangeError, /coordinates must be finite and at most/, () =>
    ops.pasteMask(new Float32Array(4), 2, floats(0, 0, 1e20, 1), 4, 4),
  );
});

test('maskTargets refuses masks and matches that do not fit', (t) => {
  const image = {width: 4, height: 4, resizedWidth: 8, resizedHeight: 8};
  const target = (rect: number[], pixels: number) => ({
    boxes: new Float32Array(4),
    labels: new Int32Array(1),
    maskRects: Int32Array.from(rect),
    maskData: new Uint8Array(pixels),
  });
  const call = (rect: number[], pixels: number, matched = 0, box = floats(0, 0, 1, 1)) =>
    ops.maskTargets(target(rect, pixels), image, box, Int32Array.of(matched), 2);
  t.is(call([0, 0, 2, 2], 4).length, 4);
  refused(t, RangeError, 'Rectangle 0 of maskRects must lie inside the image of 4 x 4 pixels.', () =>
    call([3, 0, 2, 2], 4),
  );
  refused(t, RangeError, /^Rectangle 0 of maskRects/, () => call([0, 0, -1, 2], 4));
  refused(t, RangeError, /^Rectangle 0 of maskRects/, () => call([2 ** 31 - 1, 0, 2 ** 31 - 1, 2], 4));
  refused(t, RangeError, 'The length of maskData must be 4, got 3.', () => call([0, 0, 2, 2], 3));
  refused(t, RangeError, 'matched[0] must be below the number of instances, 1, got 1.', () => call([0, 0, 2, 2], 4, 1));
  refused(t, RangeError, /^matched\[0\] must be/, () => call([0, 0, 2, 2], 4, -1));
  refused(t, RangeError, 'rois[0] must be finite, got NaN.', () => call([0, 0, 2, 2], 4, 0, floats(NaN, 0, 1, 1)));
  refused(t, RangeError, /sampled once a pixel/, () => call([0, 0, 2, 2], 4, 0, floats(0, 0, 1e9, 1)));
  refused(t, TypeError, 'image must be an object.', () =>
    ops.maskTargets(target([0, 0, 2, 2], 4), 'x' as never, roi, Int32Array.of(0), 2),
  );
});

test('calls without arguments are refused', (t) => {
  const {productKernels: _takesNone, ...others} = ops;
  for (const [name, operator] of Object.entries(others)) {
    t.throws(operator as () => unknown, {instanceOf: TypeError}, name);
  }
});

test('outlines and measurements refuse arguments of a wrong type or size at once', (t) => {
  const image = {data: new Uint8Array(4), channels: 1};
  refused(t, TypeError, 'counts must be a string.', () => rle.outlines(4 as never, 2, 2, 0));
  refused(t, RangeError, /tolerance must be at least 0, got -1/, () => rle.outlines('4', 2, 2, -1));
  refused(t, RangeError, /tolerance/, () => rle.outlines('4', 2, 2, Number.NaN));
  refused(t, RangeError, /The bitmap/, () => rle.outlines('4', 2 ** 20, 2 ** 20, 0));
  refused(t, TypeError, /counts/, () => rle.measure('4' as never, 2, 2, null));
  refused(t, TypeError, /image/, () => rle.measure(['4'], 2, 2, 5 as never));
  refused(t, TypeError, /image\.data/, () => rle.measure(['4'], 2, 2, {...image, data: [1, 2, 3, 4] as never}));
  refused(t, TypeError, /image\.data/, () => rle.measure(['4'], 2, 2, {...image, data: new Int8Array(4) as never}));
  refused(t, RangeError, /length of image\.data must be 8, got 4/, () =>
    rle.measure(['4'], 2, 2, {...image, channels: 2}),
  );
  refused(t, RangeError, /channels/, () => rle.measure(['4'], 2, 2, {...image, channels: 0}));
  refused(t, RangeError, /The image/, () => rle.measure(['4'], 2, 2, {...image, channels: 2 ** 30}));
});
