import {MaskRcnnError} from '../basics/errors.js';
import type {RoiPoolOptions} from '../model/options.js';
import type {Graph, Name} from './graph.js';

/**
 * Side of ImageNet's crop in pixels, and the level (stride 2^4) where a box of that side is pooled (FPN, formula 1).
 */
const CANONICAL_SCALE = 224;
const CANONICAL_LEVEL = 4;

/** Keeps boxes with exactly the canonical side on the canonical level (torchvision ops/poolers.py). */
const LEVEL_MARGIN = 1e-6;

export type Pooled = {
  /** [R,C,S,S]: first the boxes of the finest level, then those of the next. */
  features: Name;
  /** The numbers of the boxes in that order, int64 [R]. */
  order: Name;
  /** Puts the rows of a tensor back into the order of the boxes. */
  restore: (rows: Name) => Name;
};

/**
 * ROIAlign of boxes [R,4] of images (int64 [R]) from the levels [N,C,H,W] of the pyramid, each from the level that fits
 * its size. The heads work on the boxes in the order of their levels, and their small results are put back into order.
 */
export function addRoiAlign(
  graph: Graph,
  levels: readonly Name[],
  strides: readonly number[],
  {boxes, images}: {boxes: Name; images: Name},
  {featmapNames, outputSize, samplingRatio}: RoiPoolOptions,
): Pooled {
  const maps = levels
    .map((map, index) => ({map, stride: strides[index]!, name: index === levels.length - 1 ? 'pool' : String(index)}))
    .filter(({name}) => featmapNames.includes(name));
  const finest = Math.log2(maps[0]!.stride);
  const coarsest = Math.log2(maps.at(-1)!.stride);
  if (coarsest - finest >= maps.length) {
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `A network that pools from strides ${maps.map(({stride}) => stride).join(', ')} cannot be exported: the strides must double.`,
    );
  }
  const parts: Name[] = [];
  const orders: Name[] = [];
  const levelOf = addLevelOf(graph, boxes, finest, coarsest);
  // Levels of equal strides are one level, of which torchvision uses the first.
  for (let level = 0; level <= coarsest - finest; level++) {
    const {map, stride} = maps[level]!;
    const isHere = graph.node('Equal', [levelOf, graph.scalar('int64', level)]);
    const here = graph.node('Squeeze', [graph.node('NonZero', [isHere])], {axes: [0]});
    orders.push(here);
    parts.push(
      graph.node('RoiAlign', [map, graph.node('Gather', [boxes, here]), graph.node('Gather', [images, here])], {
        mode: 'avg',
        output_height: outputSize,
        output_width: outputSize,
        sampling_ratio: Math.max(samplingRatio, 0), // 0 is adaptive
        spatial_scale: {float: 1 / stride},
      }),
    );
  }
  const order = graph.node('Concat', orders, {axis: 0});
  const count = graph.node('Shape', [order]);
  const upTo = graph.node('Squeeze', [count], {axes: [0]});
  const numbers = graph.node('Range', [graph.scalar('int64', 0), upTo, graph.scalar('int64', 1)]);
  const inverse = graph.node('ScatterElements', [numbers, order, numbers], {axis: 0});
  return {
    features: graph.node('Concat', parts, {axis: 0}),
    order,
    restore: (rows) => graph.node('Gather', [rows, inverse], {axis: 0}),
  };
}

/**
 * The level of each box, counted from the finest: int64 [R]. A box is on level k or above if its side is at least
 * 224 · 2^(k - 4). This compares sides, because ONNX has no logarithm of base 2.
 */
function addLevelOf(graph: Graph, boxes: Name, finest: number, coarsest: number): Name {
  const [x0, y0, x1, y1] = graph.nodes('Split', [boxes], 4, {axis: 1});
  const area = graph.node('Mul', [graph.node('Sub', [x1!, x0!]), graph.node('Sub', [y1!, y0!])]);
  const side = graph.node('Sqrt', [area]); // [R,1]
  const limits: number[] = [];
  for (let level = finest + 1; level <= coarsest; level++) {
    limits.push(CANONICAL_SCALE * 2 ** (level - CANONICAL_LEVEL - LEVEL_MARGIN));
  }
  if (limits.length === 0) limits.push(Infinity);
  const reached = graph.node('Greater', [side, graph.constant('float32', limits, [1, limits.length])]);
  return graph.node('ReduceSum', [graph.node('Cast', [reached], {to: 7})], {axes: [1], keepdims: 0});
}
