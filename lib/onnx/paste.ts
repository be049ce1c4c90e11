import type {Graph, Name} from './graph.js';

/** torchvision roi_heads.py, expand_masks: a border of zeros around each mask. */
const PADDING = 1;

/**
 * Stretches the masks [D,M,M] over their boxes [D,4], in pixels of an image of `size`, and compares them with
 * `threshold` [1]: [D,H,W] of 0 and 1, as torchvision's paste_masks_in_image does it. One detection after the other,
 * and within its box only: so memory holds the result, and one mask.
 */
export function addPaste(
  graph: Graph,
  {masks, boxes, size, threshold}: {masks: Name; boxes: Name; size: Name; threshold: Name},
  side: number,
): Name {
  const count = graph.node('Shape', [boxes]);
  const detections = graph.node('Gather', [count, graph.scalar('int64', 0)]);
  const [height, width] = graph.nodes('Split', [size], 2, {axis: 0});
  const pasted = graph.stackedLoop(detections, {type: 'uint8', dims: ['height', 'width']}, (body, turn) => {
    const mask = body.node('Gather', [masks, turn]); // [M,M]
    const corners = body.nodes('Split', [body.node('Gather', [boxes, turn])], 4, {axis: 0});
    const x = addAxis(body, corners[0]!, corners[2]!, width!, side);
    const y = addAxis(body, corners[1]!, corners[3]!, height!, side);
    const rows = body.node('Transpose', [y.weights], {perm: [1, 0]});
    const values = body.node('MatMul', [rows, body.node('MatMul', [mask, x.weights])]);
    const isObject = body.node('Not', [body.node('Less', [values, threshold])]);
    const pads = body.node('Concat', [y.before, x.before, y.after, x.after], {axis: 0});
    // Not as uint8, which not every runtime pads at this opset.
    return body.node('Cast', [body.node('Pad', [body.node('Cast', [isObject], {to: 1}), pads])], {to: 2});
  });
  // Without a detection, a loop knows no height and width.
  const shape = graph.node('Concat', [graph.node('Unsqueeze', [detections], {axes: [0]}), size], {axis: 0});
  return graph.node('Reshape', [pasted, shape]);
}

/**
 * Where a mask lies along one axis: the weights [M,length] with which its M pixels make those of the image between
 * `before` and `after`, int64 [1]. They are those of bilinear interpolation from M + 2 pixels; the border is 0 and has
 * none.
 */
function addAxis(
  body: Graph,
  low: Name,
  high: Name,
  length: Name,
  side: number,
): {weights: Name; before: Name; after: Name} {
  const float = (value: number) => body.scalar('float32', value);
  const half = float(0.5);
  const padded = side + 2 * PADDING;
  const extent = body.node('Mul', [body.node('Mul', [body.node('Sub', [high, low]), half]), float(padded / side)]);
  const center = body.node('Mul', [body.node('Add', [high, low]), half]);
  const whole = (value: Name) => body.node('Cast', [value], {to: 7});
  const first = whole(body.node('Sub', [center, extent]));
  const end = body.node('Add', [whole(body.node('Add', [center, extent])), body.integers(1)]);
  const zero = body.integers(0);
  const larger = (a: Name, b: Name) => reduce(body, 'ReduceMax', a, b);
  const from = larger(first, zero);
  const to = larger(reduce(body, 'ReduceMin', end, length), from);

  const scalar = (value: Name) => body.node('Squeeze', [value], {axes: [0]});
  const pixels = body.node('Range', [scalar(from), scalar(to), body.scalar('int64', 1)]);
  const offsets = body.node('Cast', [body.node('Sub', [pixels, first])], {to: 1});
  const stretched = body.node('Cast', [larger(body.node('Sub', [end, first]), body.integers(1))], {to: 1});
  const scale = body.node('Div', [float(padded), stretched]);
  const middles = body.node('Mul', [scale, body.node('Add', [offsets, half])]);
  const sources = body.node('Clip', [body.node('Sub', [middles, half]), float(0), float(padded - 1)]);
  const places = body.constant(
    'float32',
    Array.from({length: side}, (_, index) => index + PADDING),
    [side, 1],
  );
  const distance = body.node('Abs', [body.node('Sub', [sources, places])]); // [M,length]
  const weights = body.node('Relu', [body.node('Sub', [float(1), distance])]);
  return {weights, before: from, after: body.node('Sub', [length, to])};
}

function reduce(body: Graph, operator: string, a: Name, b: Name): Name {
  return body.node(operator, [body.node('Concat', [a, b], {axis: 0})], {axes: [0], keepdims: 1});
}
