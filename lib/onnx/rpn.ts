import type {ResolvedModelOptions} from '../model/options.js';
import {cellAnchors} from './anchors.js';
import {areLarge, atMost, clipBoxes, decodeBoxes, iouThreshold, isAtLeast, moveApart, toBoxes} from './boxes.js';
import type {Graph, Name} from './graph.js';
import type {Layers} from './layers.js';
import type {ImageSizes} from './transform.js';

// Letters: L levels, A anchors per cell, T_l candidates of level l, T of all, R proposals.

/** In pixels (torchvision detection/rpn.py). */
const MIN_PROPOSAL_SIDE = 1e-3;

/** The proposals of the region proposal network: [R,4] in pixels of the resized image. */
export function addProposals(
  layers: Layers,
  levels: readonly Name[],
  sizes: ImageSizes,
  options: ResolvedModelOptions,
): Name {
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
      {axis: 0},
    );
  const offsets = graph.node('Unsqueeze', [all('offsets')], {axes: [1]}); // [T,1,4]
  const corners = clipBoxes(graph, decodeBoxes(graph, offsets, all('anchors')), sizes); // [T,1]
  const boxes = graph.node('Squeeze', [toBoxes(graph, corners, 2)], {axes: [1]}); // [T,4]
  const scores = graph.node('Sigmoid', [all('logits')]); // [T]
  const levelOf = graph.node(
    'Concat',
    candidates.map(({count}, level) => graph.node('Expand', [graph.integers(level), count])),
    {axis: 0},
  );
  const large = graph.node('Squeeze', [areLarge(graph, corners, MIN_PROPOSAL_SIDE)], {axes: [1]});
  const wanted = graph.node('And', [large, isAtLeast(graph, scores, options.rpnScoreThresh)]);
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

/** The `most` likeliest anchors of a level, by their logits [1,A,H,W]: logits [T_l], offsets and anchors [T_l,4]. */
function addCandidates(
  graph: Graph,
  {logits, offsets, cells, padded, most}: {logits: Name; offsets: Name; cells: number[]; padded: Name; most: number},
): Candidates {
  const perCell = cells.length / 4;
  const flat = graph.node('Reshape', [graph.node('Transpose', [logits], {perm: [0, 2, 3, 1]}), graph.integers(-1)]);
  const count = atMost(graph, graph.node('Shape', [flat]), graph.integers(most));
  const [best, order] = graph.nodes('TopK', [flat, count], 2, {axis: 0});

  // An anchor's number is (row · W + column) · A + its number in the cell.
  const size = graph.node('Slice', [graph.node('Shape', [logits]), graph.integers(2), graph.integers(4)]); // H, W
  const [, columns] = graph.nodes('Split', [size], 2, {axis: 0});
  const {quotient: place, remainder: inCell} = divide(graph, order!, graph.integers(perCell));
  const {quotient: row, remainder: column} = divide(graph, place, columns!);

  // Offset c of an anchor is in channel 4 · its number in the cell + c.
  const channel = graph.node('Add', [
    graph.node('Mul', [graph.node('Unsqueeze', [inCell], {axes: [1]}), graph.integers(4)]),
    graph.constant('int64', [0, 1, 2, 3], [1, 4]),
  ]);
  const planeSize = graph.node('ReduceProd', [size], {axes: [0], keepdims: 1});
  const positions = graph.node('Add', [
    graph.node('Mul', [channel, planeSize]),
    graph.node('Unsqueeze', [place], {axes: [1]}),
  ]); // [T_l,4]
  const flatOffsets = graph.node('Reshape', [offsets, graph.integers(-1)]);

  // The stride is that of the padded image, in whole pixels.
  const [strideY, strideX] = graph.nodes('Split', [graph.node('Div', [padded, size])], 2, {axis: 0});
  const shift = (index: Name, stride: Name) =>
    graph.node('Unsqueeze', [graph.node('Cast', [graph.node('Mul', [index, stride])], {to: 1})], {axes: [1]});
  const [x, y] = [shift(column, strideX!), shift(row, strideY!)];
  const shifts = graph.node('Concat', [x, y, x, y], {axis: 1});
  const ofCell = graph.node('Gather', [graph.constant('float32', cells, [perCell, 4]), inCell]);
  return {
    logits: best!,
    offsets: graph.node('Gather', [flatOffsets, positions]),
    anchors: graph.node('Add', [shifts, ofCell]),
    count,
  };
}

/** Division of non-negative integers. */
function divide(graph: Graph, value: Name, by: Name): {quotient: Name; remainder: Name} {
  const quotient = graph.node('Div', [value, by]);
  return {quotient, remainder: graph.node('Sub', [value, graph.node('Mul', [quotient, by])])};
}

/** Suppression within each level, and the best of what is left: [R,4]. */
function addSuppression(
  graph: Graph,
  all: {boxes: Name; scores: Name; levelOf: Name; wanted: Name; count: number},
  options: ResolvedModelOptions,
): Name {
  const {boxes, scores, levelOf, wanted, count} = all;
  const most = graph.integers(options.rpnPostNmsTopNTest);
  const moved = moveApart(graph, boxes, {
    groups: graph.node('Unsqueeze', [graph.node('Cast', [levelOf], {to: 1})], {axes: [1]}),
    wanted: graph.node('Unsqueeze', [wanted], {axes: [1]}),
  });
  const numbers = graph.constant('int64', [...Array(count).keys()], [count, 1]);
  const isOfLevel = graph.node('And', [graph.node('Equal', [levelOf, numbers]), wanted]); // [L,T]
  const byLevel = graph.node('Where', [isOfLevel, scores, graph.scalar('float32', -1)]);
  const kept = graph.node('NonMaxSuppression', [
    graph.node('Unsqueeze', [moved], {axes: [0]}),
    graph.node('Unsqueeze', [byLevel], {axes: [0]}),
    most,
    graph.floats(iouThreshold(options.rpnNmsThresh)),
    graph.floats(-0.5), // above the -1 of boxes of other levels, and below every score
  ]); // image, level, box
  const places = graph.node('Gather', [kept, graph.scalar('int64', 2)], {axis: 1});
  const limit = atMost(graph, graph.node('Shape', [places]), most);
  const [, order] = graph.nodes('TopK', [graph.node('Gather', [scores, places]), limit], 2, {axis: 0});
  return graph.node('Gather', [boxes, graph.node('Gather', [places, order!])]);
}
