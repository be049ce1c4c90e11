import type {ResolvedModelOptions} from '../model/options.js';
import {type GraphOptions, NAMES} from '../onnx-runtime/file-metadata.js';
import type {StateDict} from '../weights/state-dict.js';
import {addBackbone, strides as stridesOf} from './backbone.js';
import {iouThreshold} from './boxes.js';
import {Graph, type Name} from './graph.js';
import {Layers} from './layers.js';
import {addMasks} from './mask-head.js';
import {addPaste} from './paste.js';
import {addBoxDetections, type Limits} from './roi-heads.js';
import {addProposals} from './rpn.js';
import {addTransform, type ImageSizes} from './transform.js';

/** The graph of a whole network, from the image, or a batch of them, to the detections in pixels of the image. */
export function buildNetwork(
  tensors: StateDict,
  source: string,
  network: ResolvedModelOptions,
  options: GraphOptions,
): Graph {
  const graph = new Graph();
  const layers = new Layers(graph, tensors, {source, half: options.half});
  const dims = options.input === 'uint8' ? ['height', 'width', 3] : [3, 'height', 'width'];
  const given = options.batch
    ? graph.input(NAMES.images, options.input, ['images', ...dims])
    : graph.input(NAMES.image, options.input, dims);
  const limit = (name: Name, type: 'float32' | 'int64', value: number) =>
    options.limitInputs ? graph.optionalInput(name, type, value) : graph.constant(type, [value]);
  const limits: Limits = {
    scoreThreshold: limit(NAMES.scoreThreshold, 'float32', options.scoreThreshold),
    nmsThreshold: limit(NAMES.nmsThreshold, 'float32', iouThreshold(options.nmsThreshold)),
    maxDetections: limit(NAMES.maxDetections, 'int64', options.maxDetections),
  };
  const {images, sizes} = graph.within('transform', () => addTransform(graph, given, options, network));
  const levels = graph.within('backbone', () => addBackbone(layers, images, network));
  const proposals = graph.within('rpn', () => addProposals(layers, levels, sizes, network));
  const pyramid = {levels, strides: stridesOf(network)};
  const detections = graph.within('roi_heads', () =>
    addBoxDetections(layers, {...pyramid, proposals}, {sizes, limits, options: network}),
  );
  const boxes = graph.within('postprocess', () => addOriginalBoxes(graph, detections.boxes, sizes));
  graph.output(NAMES.boxes, boxes, 'float32', ['detections', 4]);
  graph.output(NAMES.labels, graph.node('Cast', [detections.labels], {to: 6}), 'int32', ['detections']);
  graph.output(NAMES.scores, detections.scores, 'float32', ['detections']);
  if (options.batch) {
    graph.output(NAMES.imageIndex, graph.node('Cast', [detections.images], {to: 6}), 'int32', ['detections']);
  }
  if (options.masks === 'none') return graph;

  const masks = graph.within('mask_head', () => addMasks(layers, pyramid, detections, network));
  const side = 2 * network.maskRoiPool.outputSize;
  if (options.masks === 'box') {
    graph.output(NAMES.masks, masks, 'float32', ['detections', side, side]);
    return graph;
  }
  const threshold = limit(NAMES.maskThreshold, 'float32', options.maskThreshold);
  const pasted = graph.within('paste', () => addPaste(graph, {masks, boxes, size: sizes.original, threshold}, side));
  graph.output(NAMES.masks, pasted, 'uint8', ['detections', 'height', 'width']);
  return graph;
}

/** Boxes of the resized image as boxes of the image (torchvision detection/transform.py, resize_boxes). */
function addOriginalBoxes(graph: Graph, boxes: Name, {original, resized}: ImageSizes): Name {
  const float = (value: Name) => graph.node('Cast', [value], {to: 1});
  const ratios = graph.node('Div', [float(original), float(resized)]); // of y, of x
  return graph.node('Mul', [boxes, graph.node('Gather', [ratios, graph.integers(1, 0, 1, 0)])]);
}
