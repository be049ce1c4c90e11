import type {ResolvedModelOptions} from '../model/options.js';
import {cellAnchors} from './anchors.js';
import {bestOfImages, column, columns, NO_SCORE} from './best.js';
import {areLarge, atMost, clipBoxes, decodeBoxes, iouThreshold, isAtLeast, moveApart, toBoxes} from './boxes.js';
import type {Graph, Name} from './graph.js';
import type {Layers} from './layers.js';
import type {ImageSizes} from './transform.js';

// Letters: N images, L levels, A anchors per cell, T_l candidates of level l, T of all, R proposals of all images.

/** In pixels (torchvision detection/rpn.py). */
const MIN_PROPOSAL_SIDE = 1e-3;

/** What the region proposal network proposes, image after image, each in descending order of score. */
export type Proposals = {
  /** [R,4] in pixels of the resized image. */
  boxes: Name;
  /** The image of each proposal and its place among those of its image: int64 [R,2]. */
  places: Name;
  /** The most proposals that an image may have, and the number of images: int64 [1] each. */
  most: Name;
  images: Name;
};

/** The proposals of the region proposal network. */
export function addProposals(
  layers: Layers,
  levels: readonly Name[],
  sizes: ImageSizes,
  options: ResolvedModelOptions,
): Proposals {
  const {graph} = layers;
  const candidates = levels.map((map, level) =>
    graph.within(`level${level}`, () => {
      const {logits, offsets} = addHead(layers, map);
      const cells = cellAnchors(options.anchorSizes[level]!, options.anchorAspectRatios[level]!);
      return addCandidates(graph, {logits, offsets, cells, padded: sizes.padded, most: options.rpnPreNmsTopNTest});
    }),
  );
  const all = (part: 'offsets' | 'anchors' | 'logits') =>
    graph.node(
      'Concat',
      candidates.map((each) => each[part]),
      {axis: 1},
    );
  const logits = all('logits'); // [N,T]
  const shape = graph.node('Shape', [logits]);
  const offsets = graph.node('Reshape', [all('offsets'), graph.integers(-1, 1, 4)]); // [N·T,1,4]
  const anchors = graph.node('Reshape', [all('anchors'), graph.integers(-1, 4)]); // [N·T,4]
  const corners = clipBoxes(graph, decodeBoxes(graph, offsets, anchors), sizes); // [N·T,1]
  const withShape = (flat: Name, ...last: number[]) =>
    graph.node('Reshape', [flat, graph.node('Concat', [shape, graph.integers(...last)], {axis: 0})]);
  const boxes = withShape(toBoxes(graph, corners, 2), 4); // [N,T,4]
  const scores = graph.node('Sigmoid', [logits]);
  const levelOf = graph.node(
    'Concat',
    candidates.map(({count}, level) => graph.node('Expand', [graph.integers(level), count])),
    {axis: 0},
  ); // [T]
  const large = graph.node('Reshape', [areLarge(graph, corners, MIN_PROPOSAL_SIDE), shape]);
  const wanted = graph.node('And', [large, isAtLeast(graph, scores, options.rpnScoreThresh)]); // [N,T]
  return addSuppression(graph, {boxes, scores, levelOf, wanted, count: levels.length}, options);
}

function addHead(layers: Layers, map: Name): {logits: Name; offsets: Name} {
  let x = map;
  for (let depth = 0; layers.has(`rpn.head.conv.${depth}.0.weight`); depth++) {
    x = layers.relu(layers.conv(x, `rpn.head.conv.${depth}.0`));
  }
  return {logits: layers.conv(x, 'rpn.head.cls_logits'), offsets: layers.conv(x, 'rpn.head.bbox_pred')};
}

type Candidates = {logits: Name; offsets: Name; anchors: Name; count: Name};

/**
 * The `most` likeliest anchors of a level in each image, by their logits [N,A,H,W]: logits [N,T_l], offsets and anchors
 * [N,T_l,4], and T_l as int64 [1].
 */
function addCandidates(
  graph: Graph,
  {logits, offsets, cells, padded, most}: {logits: Name; offsets: Name; cells: number[]; padded: Name; most: number},
): Candidates {
  const perCell = cells.length / 4;
  const flat = graph.node('Reshape', [graph.node('Transpose', [logits], {perm: [0, 2, 3, 1]}), graph.integers(0, -1)]);
  const count = atMost(graph, graph.length(flat, 1), graph.integers(most));
  const [best, order] = graph.nodes('TopK', [flat, count], 2, {axis: 1}); // [N,T_l]

  // An anchor's number is (row · W + column) · A + its number in the cell.
  const size = graph.node('Slice', [graph.node('Shape', [logits]), graph.integers(2), graph.integers(4)]); // H, W
  const [, columns] = graph.nodes('Split', [size], 2, {axis: 0});
  const {quotient: place, remainder: inCell} = divide(graph, order!, graph.integers(perCell));
  const {quotient: row, remainder: column} = divide(graph, place, columns!);

  // Offset c of an anchor is in channel 4 · its number in the cell + c.
  const channel = graph.node('Add', [
    graph.node('Mul', [graph.node('Unsqueeze', [inCell], {axes: [2]}), graph.integers(4)]),
    graph.constant('int64', [0, 1, 2, 3], [1, 1, 4]),
  ]);
  const planeSize = graph.node('ReduceProd', [size], {axes: [0], keepdims: 1});
  const positions = graph.node('Add', [
    graph.node('Mul', [channel, planeSize]),
    graph.node('Unsqueeze', [place], {axes: [2]}),
  ]); // [N,T_l,4]
  const chosen = graph.node(
    'GatherElements',
    [
      graph.node('Reshape', [offsets, graph.integers(0, -1)]),
      graph.node('Reshape', [positions, graph.integers(0, -1)]),
    ],
    {axis: 1},
  );

  // The stride is that of the padded image, in whole pixels.
  const [strideY, strideX] = graph.nodes('Split', [graph.node('Div', [padded, size])], 2, {axis: 0});
  const shift = (index: Name, stride: Name) =>
    graph.node('Unsqueeze', [graph.node('Cast', [graph.node('Mul', [index, stride])], {to: 1})], {axes: [2]});
  const [x, y] = [shift(column, strideX!), shift(row, strideY!)];
  const shifts = graph.node('Concat', [x, y, x, y], {axis: 2});
  const ofCell = graph.node('Gather', [graph.constant('float32', cells, [perCell, 4]), inCell]);
  return {
    logits: best!,
    offsets: graph.node('Reshape', [chosen, graph.integers(0, -1, 4)]),
    anchors: graph.node('Add', [shifts, ofCell]),
    count,
  };
}

/** Division of non-negative integers. */
function divide(graph: Graph, value: Name, by: Name): {quotient: Name; remainder: Name} {
  const quotient = graph.node('Div', [value, by]);
  return {quotient, remainder: graph.node('Sub', [value, graph.node('Mul', [quotient, by])])};
}

/** Suppression within each level of each image, and the best that are left of each image. */
function addSuppression(
  graph: Graph,
  all: {boxes: Name; scores: Name; levelOf: Name; wanted: Name; count: number},
  options: ResolvedModelOptions,
): Proposals {
  const {boxes, scores, levelOf, wanted, count} = all;
  const limit = graph.integers(options.rpnPostNmsTopNTest);
  const moved = moveApart(graph, boxes, {
    groups: graph.node('Unsqueeze', [graph.node('Cast', [levelOf], {to: 1})], {axes: [1]}),
    wanted: graph.node('Unsqueeze', [wanted], {axes: [2]}),
    axes: [1, 2],
  });
  const numbers = graph.constant('int64', [...Array(count).keys()], [count, 1]);
  const isOfLevel = graph.node('And', [
    graph.node('Equal', [levelOf, numbers]), // [L,T]
    graph.node('Unsqueeze', [wanted], {axes: [1]}),
  ]); // [N,L,T]
  const kept = graph.node('NonMaxSuppression', [
    moved,
    graph.node('Where', [isOfLevel, graph.node('Unsqueeze', [scores], {axes: [1]}), graph.scalar('float32', NO_SCORE)]),
    limit,
    graph.floats(iouThreshold(options.rpnNmsThresh)),
    graph.floats(NO_SCORE / 2),
  ]); // image, level, box
  const indices = graph.node('Gather', [kept, graph.integers(0, 2)], {axis: 1}); // image, box
  const {order, places, most} = bestOfImages(graph, {scores, indices, limit});
  return {
    boxes: graph.node('GatherND', [boxes, columns(graph, column(graph, places, 0), order)]),
    places,
    most,
    images: graph.length(scores, 0),
  };
}
