import type {ResolvedModelOptions} from '../model/options.js';
import type {Name} from './graph.js';
import type {Layers} from './layers.js';
import {addRoiAlign} from './poolers.js';
import type {BoxDetections} from './roi-heads.js';

/** The probabilities of each detection's own class: [D,M,M]. */
export function addMasks(
  layers: Layers,
  {levels, strides}: {levels: readonly Name[]; strides: readonly number[]},
  {boxes, images, labels}: BoxDetections,
  options: ResolvedModelOptions,
): Name {
  const {graph} = layers;
  const name = 'roi_heads.mask_head';
  const pooled = addRoiAlign(graph, levels, strides, {boxes, images}, options.maskRoiPool);
  let x = pooled.features;
  for (let index = 0; layers.has(`${name}.${index}.0.weight`); index++) {
    const norm = layers.has(`${name}.${index}.1.weight`) ? `${name}.${index}.1` : undefined;
    x = layers.relu(layers.conv(x, `${name}.${index}.0`, {norm}));
  }
  return pooled.restore(addPredictor(layers, x, graph.node('Gather', [labels, pooled.order]), options));
}

/**
 * The windows of a 2 × 2 transposed convolution with stride 2 do not overlap: a 1 × 1 convolution to 4 times the
 * channels computes them. The 1 × 1 convolution after it works pixel by pixel. So only its one channel, that of the
 * detection's class, has to be interleaved.
 */
function addPredictor(layers: Layers, x: Name, labels: Name, {maskRoiPool, numClasses}: ResolvedModelOptions): Name {
  const {graph} = layers;
  const name = 'roi_heads.mask_predictor';
  const [inside, outside] = layers.shape(`${name}.conv5_mask.weight`) as [number, number, number, number];
  const side = maskRoiPool.outputSize;
  const grown = layers.relu(
    graph.node(
      'Conv',
      [
        x,
        layers.weight(`${name}.conv5_mask.weight`, [4 * outside, inside, 1, 1], () =>
          toWindows(layers.values(`${name}.conv5_mask.weight`), inside, outside),
        ),
        layers.weight(`${name}.conv5_mask.bias`, [4 * outside], () => {
          const bias = layers.values(`${name}.conv5_mask.bias`);
          return Float32Array.from({length: 4 * outside}, (_, i) => bias[i % outside]!);
        }),
      ],
      {kernel_shape: [1, 1]},
    ),
  ); // [D,4·C,S,S]
  const weights = layers.weight(`${name}.mask_fcn_logits.weight`, [numClasses, 1, 1, outside], () =>
    layers.values(`${name}.mask_fcn_logits.weight`),
  );
  const biases = layers.weight(`${name}.mask_fcn_logits.bias`, [numClasses], () =>
    layers.values(`${name}.mask_fcn_logits.bias`),
  );
  const products = graph.node('MatMul', [
    graph.node('Gather', [weights, labels]), // [D,1,1,C]
    graph.node('Reshape', [grown, graph.integers(0, 4, outside, side * side)]),
  ]); // [D,4,1,S·S]
  const bias = graph.node('Unsqueeze', [graph.node('Gather', [biases, labels])], {axes: [1, 2, 3]});
  const probabilities = graph.node('Sigmoid', [graph.node('Add', [products, bias])]);
  const windows = graph.node('Reshape', [probabilities, graph.integers(0, 2, 2, side, side)]);
  const interleaved = graph.node('Transpose', [windows], {perm: [0, 3, 1, 4, 2]});
  return graph.node('Reshape', [interleaved, graph.integers(0, 2 * side, 2 * side)]);
}

/** [C_in,C_out,2,2] -> [2·2·C_out,C_in] */
function toWindows(weight: Float32Array, inside: number, outside: number): Float32Array {
  const windows = new Float32Array(weight.length);
  for (let from = 0; from < inside; from++) {
    for (let to = 0; to < outside; to++) {
      for (let at = 0; at < 4; at++)
        windows[(at * outside + to) * inside + from] = weight[(from * outside + to) * 4 + at]!;
    }
  }
  return windows;
}
