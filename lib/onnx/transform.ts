import type {ResolvedModelOptions} from '../model/options.js';
import type {GraphOptions} from '../onnx-runtime/file-metadata.js';
import type {Graph, Name} from './graph.js';

/** How images enter the graph: see `GraphOptions`. */
export type ImageInput = Pick<GraphOptions, 'input' | 'batch'>;

/** Names of lengths [2] (int64) of height and width. */
export type ImageSizes = {
  /** Of the image as given. */
  original: Name;
  /** After resizing. */
  resized: Name;
  /** Of the network's input, which is padded. */
  padded: Name;
};

/** Resizes, normalises and pads images as torchvision's GeneralizedRCNNTransform does: [N,3,H,W] float32. */
export function addTransform(
  graph: Graph,
  given: Name,
  {input, batch}: ImageInput,
  options: ResolvedModelOptions,
): {images: Name; sizes: ImageSizes} {
  const all = batch ? given : graph.node('Unsqueeze', [given], {axes: [0]});
  const [first, last] = input === 'uint8' ? [1, 3] : [2, 4];
  const shape = graph.node('Shape', [all]);
  const original = graph.node('Slice', [shape, graph.integers(first), graph.integers(last)]);
  const resized = resizedSize(graph, original, options);
  const planes = asPlanes(graph, all, input); // [N,3,H,W]
  const size = graph.node('Concat', [graph.length(all, 0), graph.integers(3), resized], {axis: 0});
  const larger = graph.resize(planes, size, {
    mode: 'linear',
    coordinate_transformation_mode: 'half_pixel',
  });
  // The means and deviations are on a scale of 0..1. Resizing is linear, so it may come before them.
  const white = input === 'uint8' ? 255 : 1;
  const scale = options.imageStd.map((deviation) => 1 / (white * deviation));
  const shift = options.imageMean.map((mean, i) => -mean / options.imageStd[i]!);
  const scaled = graph.node('Mul', [larger, graph.constant('float32', scale, [1, 3, 1, 1])]);
  const normalized = graph.node('Add', [scaled, graph.constant('float32', shift, [1, 3, 1, 1])]);

  const divisor = graph.integers(options.sizeDivisible);
  const steps = graph.node('Div', [graph.node('Add', [resized, graph.integers(options.sizeDivisible - 1)]), divisor]);
  const padded = graph.node('Mul', [steps, divisor]);
  const margin = graph.node('Sub', [padded, resized]);
  const pads = graph.node('Concat', [graph.integers(0, 0, 0, 0, 0, 0), margin], {axis: 0});
  return {images: graph.node('Pad', [normalized, pads]), sizes: {original, resized, padded}};
}

/** Bytes [N,H,W,3] or floats [N,3,H,W] as floats [N,3,H,W]. */
function asPlanes(graph: Graph, images: Name, input: ImageInput['input']): Name {
  if (input === 'float32') return images;
  return graph.node('Cast', [graph.node('Transpose', [images], {perm: [0, 3, 1, 2]})], {to: 1});
}

/** [height, width] after resizing. In float64, as torchvision computes it in Python. */
function resizedSize(graph: Graph, original: Name, {minSize, maxSize, fixedSize}: ResolvedModelOptions): Name {
  if (fixedSize !== null) return graph.integers(fixedSize[1], fixedSize[0]);
  const sides = graph.node('Cast', [original], {to: 11});
  const extreme = (operator: string) => graph.node(operator, [sides], {axes: [0], keepdims: 1});
  const ratio = (length: number, side: Name) => graph.node('Div', [graph.constant('float64', [length]), side]);
  const scale = graph.node('Min', [ratio(minSize.at(-1)!, extreme('ReduceMin')), ratio(maxSize, extreme('ReduceMax'))]);
  return graph.node('Cast', [graph.node('Mul', [sides, scale])], {to: 7}); // towards 0, which is floor here
}
