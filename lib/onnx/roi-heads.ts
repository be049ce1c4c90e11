import type {ResolvedModelOptions} from '../model/options.js';
import {areLarge, atMost, clipBoxes, decodeBoxes, moveApart, toBoxes} from './boxes.js';
import type {Name} from './graph.js';
import type {Layers} from './layers.js';
import {addRoiAlign} from './poolers.js';
import type {ImageSizes} from './transform.js';

// Letters: R proposals, K classes with the background, D detections.

/** In pixels (torchvision detection/roi_heads.py). */
const MIN_DETECTION_SIDE = 1e-2;

/** Names of the inputs [1] that limit what is detected. */
export type Limits = {scoreThreshold: Name; nmsThreshold: Name; maxDetections: Name};

/** Boxes [D,4] in pixels of the resized image, labels [D] int64 and scores [D], in descending order of score. */
export type BoxDetections = {boxes: Name; labels: Name; scores: Name};

/** The box head on the proposals [R,4]: class scores and boxes, and suppression within each class. */
export function addBoxDetections(
  layers: Layers,
  {levels, strides, proposals}: {levels: readonly Name[]; strides: readonly number[]; proposals: Name},
  {sizes, limits, options}: {sizes: ImageSizes; limits: Limits; options: ResolvedModelOptions},
): BoxDetections {
  const {graph} = layers;
  const pooled = addRoiAlign(graph, levels, strides, proposals, options.boxRoiPool);
  const vectors = graph.within('box_head', () => addBoxHead(layers, pooled.features));
  const logits = pooled.restore(layers.linear(vectors, 'roi_heads.box_predictor.cls_score'));
  const offsets = pooled.restore(layers.linear(vectors, 'roi_heads.box_predictor.bbox_pred'));
  return graph.within('detections', () => addSelection(layers, {logits, offsets, proposals}, {sizes, limits, options}));
}

/**
 * Version 1: two linear layers. Version 2: four convolutions and a linear layer, with torchvision's Flatten between.
 */
function addBoxHead(layers: Layers, features: Name): Name {
  const {graph} = layers;
  const name = 'roi_heads.box_head';
  let x = features;
  let index = 0;
  for (; layers.has(`${name}.${index}.0.weight`); index++) {
    x = layers.relu(layers.conv(x, `${name}.${index}.0`, {norm: `${name}.${index}.1`}));
  }
  const flat = graph.node('Flatten', [x], {axis: 1});
  if (index > 0) return layers.relu(layers.linear(flat, `${name}.${index + 1}`));
  return layers.relu(layers.linear(layers.relu(layers.linear(flat, `${name}.fc6`)), `${name}.fc7`));
}

function addSelection(
  {graph}: Layers,
  {logits, offsets, proposals}: {logits: Name; offsets: Name; proposals: Name},
  {sizes, limits, options}: {sizes: ImageSizes; limits: Limits; options: ResolvedModelOptions},
): BoxDetections {
  const classes = options.numClasses - 1; // without the background
  const withoutBackground = (values: Name) =>
    graph.node('Slice', [values, graph.integers(1), graph.integers(options.numClasses), graph.integers(1)]);
  const scores = withoutBackground(graph.node('Softmax', [logits], {axis: 1})); // [R,K-1]
  const byClass = withoutBackground(graph.node('Reshape', [offsets, graph.integers(0, options.numClasses, 4)]));
  const decoded = decodeBoxes(graph, byClass, proposals, options.bboxRegWeights);
  const corners = clipBoxes(graph, decoded, sizes); // [R,K-1]
  const boxes = toBoxes(graph, corners, 2); // [R,K-1,4]
  const likely = graph.node('And', [
    graph.node('Greater', [scores, limits.scoreThreshold]),
    areLarge(graph, corners, MIN_DETECTION_SIDE),
  ]);

  // Each class is an image of NonMaxSuppression, because its boxes are its own.
  const labels = Array.from({length: classes}, (_, index) => index + 1);
  const moved = moveApart(graph, boxes, {
    groups: graph.constant('float32', labels, [1, classes, 1]),
    wanted: graph.node('Unsqueeze', [likely], {axes: [2]}),
  });
  const candidates = graph.node('Where', [likely, scores, graph.scalar('float32', -1)]);
  const kept = graph.node('NonMaxSuppression', [
    graph.node('Transpose', [moved], {perm: [1, 0, 2]}),
    graph.node('Unsqueeze', [graph.node('Transpose', [candidates], {perm: [1, 0]})], {axes: [1]}),
    limits.maxDetections,
    limits.nmsThreshold,
    graph.floats(-0.5), // above the -1 of unlikely boxes, and below every score
  ]); // class, 0, proposal
  const column = (index: number) => graph.node('Gather', [kept, graph.scalar('int64', index)], {axis: 1});

  // The place of a candidate is its proposal · (K-1) + its class. Equal scores stay in the order of places.
  const perProposal = graph.integers(classes);
  const places = graph.node('Add', [graph.node('Mul', [column(2), perProposal]), column(0)]);
  const flatScores = graph.node('Reshape', [scores, graph.integers(-1)]);
  const none = graph.node('ConstantOfShape', [graph.node('Shape', [flatScores])]);
  const chosen = graph.node('ScatterElements', [
    graph.node('Sub', [none, graph.scalar('float32', 1)]),
    places,
    graph.node('Gather', [flatScores, places]),
  ]);
  const count = atMost(graph, graph.node('Shape', [places]), limits.maxDetections);
  const [best, order] = graph.nodes('TopK', [chosen, count], 2, {axis: 0});
  const proposal = graph.node('Div', [order!, perProposal]);
  const label = graph.node('Sub', [order!, graph.node('Mul', [proposal, perProposal])]);
  return {
    boxes: graph.node('Gather', [graph.node('Reshape', [boxes, graph.integers(-1, 4)]), order!]),
    labels: graph.node('Add', [label, graph.integers(1)]),
    scores: best!,
  };
}
