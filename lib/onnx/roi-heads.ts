import type {ResolvedModelOptions} from '../model/options.js';
import {bestOfImages, column, columns, NO_SCORE} from './best.js';
import {areLarge, clipBoxes, decodeBoxes, moveApart, toBoxes} from './boxes.js';
import type {Graph, Name} from './graph.js';
import type {Layers} from './layers.js';
import {addRoiAlign} from './poolers.js';
import type {Proposals} from './rpn.js';
import type {ImageSizes} from './transform.js';

// Letters: N images, P the most proposals of an image, R proposals and D detections of all images, K classes with the
// background.

/** In pixels (torchvision detection/roi_heads.py). */
const MIN_DETECTION_SIDE = 1e-2;

/** Names of the inputs [1] that limit what is detected. */
export type Limits = {scoreThreshold: Name; nmsThreshold: Name; maxDetections: Name};

/**
 * Image after image, each in descending order of score: boxes [D,4] in pixels of the resized image, the numbers of the
 * images [D] int64, labels [D] int64 and scores [D].
 */
export type BoxDetections = {boxes: Name; images: Name; labels: Name; scores: Name};

/** The box head on the proposals: class scores and boxes, and suppression within each class. */
export function addBoxDetections(
  layers: Layers,
  {levels, strides, proposals}: {levels: readonly Name[]; strides: readonly number[]; proposals: Proposals},
  {sizes, limits, options}: {sizes: ImageSizes; limits: Limits; options: ResolvedModelOptions},
): BoxDetections {
  const {graph} = layers;
  const images = column(graph, proposals.places, 0);
  const pooled = addRoiAlign(graph, levels, strides, {boxes: proposals.boxes, images}, options.boxRoiPool);
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
  {logits, offsets, proposals}: {logits: Name; offsets: Name; proposals: Proposals},
  {sizes, limits, options}: {sizes: ImageSizes; limits: Limits; options: ResolvedModelOptions},
): BoxDetections {
  const classes = options.numClasses - 1; // without the background
  const withoutBackground = (values: Name) =>
    graph.node('Slice', [values, graph.integers(1), graph.integers(options.numClasses), graph.integers(1)]);
  const scores = withoutBackground(graph.node('Softmax', [logits], {axis: 1})); // [R,K-1]
  const byClass = withoutBackground(graph.node('Reshape', [offsets, graph.integers(0, options.numClasses, 4)]));
  const decoded = decodeBoxes(graph, byClass, proposals.boxes, options.bboxRegWeights);
  const corners = clipBoxes(graph, decoded, sizes); // [R,K-1]
  const likely = graph.node('And', [
    graph.node('Greater', [scores, limits.scoreThreshold]),
    areLarge(graph, corners, MIN_DETECTION_SIDE),
  ]);
  const unlikely = graph.scalar('float32', NO_SCORE);
  const candidates = byImage(graph, graph.node('Where', [likely, scores, unlikely]), NO_SCORE, [classes], proposals);
  const boxes = byImage(graph, toBoxes(graph, corners, 2), 0, [classes, 4], proposals); // [N,P,K-1,4]

  // Each class of an image is an image of NonMaxSuppression, because its boxes are its own.
  const labels = Array.from({length: classes}, (_, index) => index + 1);
  const isCandidate = graph.node('Greater', [candidates, graph.scalar('float32', NO_SCORE / 2)]);
  const moved = moveApart(graph, boxes, {
    groups: graph.constant('float32', labels, [1, 1, classes, 1]),
    wanted: graph.node('Unsqueeze', [isCandidate], {axes: [3]}),
    axes: [1, 2, 3],
  });
  const asImages = (values: Name, perm: number[], ...last: Name[]) =>
    graph.node('Reshape', [
      graph.node('Transpose', [values], {perm}),
      graph.node('Concat', [graph.integers(-1), ...last], {axis: 0}),
    ]);
  const kept = graph.node('NonMaxSuppression', [
    asImages(moved, [0, 2, 1, 3], proposals.most, graph.integers(4)), // [N·(K-1),P,4]
    asImages(candidates, [0, 2, 1], graph.integers(1), proposals.most), // [N·(K-1),1,P]
    limits.maxDetections,
    limits.nmsThreshold,
    graph.floats(NO_SCORE / 2),
  ]); // image · (K-1) + class, 0, place of the proposal

  // The number of a candidate is the place of its proposal · (K-1) + its class.
  const perProposal = graph.integers(classes);
  const group = column(graph, kept, 0);
  const image = graph.node('Div', [group, perProposal]);
  const ofClass = graph.node('Sub', [group, graph.node('Mul', [image, perProposal])]);
  const number = graph.node('Add', [graph.node('Mul', [column(graph, kept, 2), perProposal]), ofClass]);
  const best = bestOfImages(graph, {
    scores: graph.node('Reshape', [candidates, graph.integers(0, -1)]),
    indices: columns(graph, image, number),
    limit: limits.maxDetections,
  });
  const images = column(graph, best.places, 0);
  const place = graph.node('Div', [best.order, perProposal]);
  const label = graph.node('Sub', [best.order, graph.node('Mul', [place, perProposal])]);
  return {
    boxes: graph.node('GatherND', [boxes, columns(graph, images, place, label)]),
    images,
    labels: graph.node('Add', [label, graph.integers(1)]),
    scores: best.scores,
  };
}

/** Rows of all proposals [R,...rest] by image and place: [N,P,...rest], filled up with `filler`. */
function byImage(
  graph: Graph,
  rows: Name,
  filler: number,
  rest: readonly number[],
  {places, most, images}: Proposals,
): Name {
  const shape = graph.node('Concat', [images, most, graph.integers(...rest)], {axis: 0});
  return graph.node('ScatterND', [graph.node('Expand', [graph.scalar('float32', filler), shape]), places, rows]);
}
