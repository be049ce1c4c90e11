import type {Graph, Name} from './graph.js';
import type {ImageSizes} from './transform.js';

/** The four coordinates of boxes, as tensors of one shape. */
export type Corners = {x0: Name; y0: Name; x1: Name; y1: Name};

/** Limits the growth of a side to a factor of 1000 / 16, so that exp() cannot overflow (torchvision BoxCoder). */
const MAX_LOG_SCALE = Math.log(1000 / 16);

/** If there are more boxes than this, torchvision suppresses group by group (ops/boxes.py, batched_nms, on a CPU). */
const MOVED_APART_LIMIT = 1000;

/**
 * Applies offsets [R,K,4] to references [R,4], as torchvision's BoxCoder does: corners of [R,K]. `weights` are those of
 * the four offsets.
 */
export function decodeBoxes(
  graph: Graph,
  offsets: Name,
  references: Name,
  weights: readonly number[] = [1, 1, 1, 1],
): Corners {
  const [left, top, right, bottom] = graph.nodes('Split', [references], 4, {axis: 1}); // [R,1] each
  const half = graph.scalar('float32', 0.5);
  const center = (low: Name, high: Name) => {
    const length = graph.node('Sub', [high, low]);
    return {length, middle: graph.node('Add', [low, graph.node('Mul', [half, length])])};
  };
  const width = center(left!, right!);
  const height = center(top!, bottom!);
  const [dx, dy, dw, dh] = graph
    .nodes('Split', [offsets], 4, {axis: 2})
    .map((column) => graph.node('Squeeze', [column], {axes: [2]})) // [R,K] each
    .map((column, i) =>
      weights[i] === 1 ? column : graph.node('Div', [column, graph.scalar('float32', weights[i]!)]),
    );
  const limit = graph.scalar('float32', MAX_LOG_SCALE);
  const side = (shift: Name, growth: Name, {length, middle}: {length: Name; middle: Name}) => {
    const at = graph.node('Add', [graph.node('Mul', [shift, length]), middle]);
    const grown = graph.node('Mul', [graph.node('Exp', [graph.node('Min', [growth, limit])]), length]);
    const radius = graph.node('Mul', [half, grown]);
    return [graph.node('Sub', [at, radius]), graph.node('Add', [at, radius])] as const;
  };
  const [x0, x1] = side(dx!, dw!, width);
  const [y0, y1] = side(dy!, dh!, height);
  return {x0, y0, x1, y1};
}

/** Clips boxes to the image, which is `resized` within the padding. */
export function clipBoxes(graph: Graph, {x0, y0, x1, y1}: Corners, {resized}: ImageSizes): Corners {
  const [height, width] = graph.nodes('Split', [graph.node('Cast', [resized], {to: 1})], 2, {axis: 0});
  const zero = graph.scalar('float32', 0);
  const clip = (value: Name, most: Name) => graph.node('Min', [graph.node('Max', [value, zero]), most]);
  return {x0: clip(x0, width!), y0: clip(y0, height!), x1: clip(x1, width!), y1: clip(y1, height!)};
}

/** Whether both sides of a box are at least `minSide`. */
export function areLarge(graph: Graph, {x0, y0, x1, y1}: Corners, minSide: number): Name {
  return graph.node('And', [
    isAtLeast(graph, graph.node('Sub', [x1, x0]), minSide),
    isAtLeast(graph, graph.node('Sub', [y1, y0]), minSide),
  ]);
}

/** Whether float32 values are at least `least`. Opset 11 has no such operator; NaN gives false. */
export function isAtLeast(graph: Graph, values: Name, least: number): Name {
  return graph.node('Greater', [values, graph.scalar('float32', floatBelow(least))]);
}

/** Corners of [...] as boxes of [...,4]. `rank` is that of the corners. */
export function toBoxes(graph: Graph, {x0, y0, x1, y1}: Corners, rank: number): Name {
  const columns = [x0, y0, x1, y1].map((column) => graph.node('Unsqueeze', [column], {axes: [rank]}));
  return graph.node('Concat', columns, {axis: rank});
}

/**
 * torchvision's batched_nms moves groups apart so that one suppression serves all, if there are few boxes. Suppression
 * here is by group anyway. But moving rounds the coordinates, which decides overlaps at the threshold, so it is
 * repeated for each image. `groups` (float32) and `wanted` (bool) must broadcast to the shape of `boxes`, [N,...];
 * `axes` are those of `wanted` but the first.
 */
export function moveApart(
  graph: Graph,
  boxes: Name,
  {groups, wanted, axes}: {groups: Name; wanted: Name; axes: readonly number[]},
): Name {
  const zero = graph.scalar('float32', 0);
  const ofImage = {axes, keepdims: 1};
  const count = graph.node('ReduceSum', [graph.node('Cast', [wanted], {to: 7})], ofImage);
  const isMoved = graph.node('Less', [count, graph.scalar('int64', MOVED_APART_LIMIT + 1)]);
  const largest = graph.node('ReduceMax', [graph.node('Where', [wanted, boxes, zero])], ofImage);
  const step = graph.node('Where', [isMoved, graph.node('Add', [largest, graph.scalar('float32', 1)]), zero]);
  return graph.node('Add', [boxes, graph.node('Mul', [groups, step])]);
}

/**
 * An IoU threshold for NonMaxSuppression, which compares in float32: the largest float32 that is not above `threshold`.
 * An IoU exceeds it exactly if it exceeds `threshold`.
 */
export function iouThreshold(threshold: number): number {
  const nearest = Math.fround(threshold);
  return nearest <= threshold ? nearest : floatBelow(nearest);
}

/** The smaller of a length and a limit, both int64 [1]. */
export function atMost(graph: Graph, length: Name, limit: Name): Name {
  return graph.node('ReduceMin', [graph.node('Concat', [length, limit], {axis: 0})], {axes: [0], keepdims: 1});
}

/** The largest float32 below the float32 nearest to `value`. */
function floatBelow(value: number): number {
  const float = new Float32Array([value]);
  const bits = new Int32Array(float.buffer);
  if (float[0] === 0) return -(2 ** -149);
  bits[0]! += float[0]! > 0 ? -1 : 1;
  return float[0]!;
}
