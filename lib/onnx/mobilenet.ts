import {MaskRcnnError} from '../basics/errors.js';
import type {Name} from './graph.js';
import type {Layers} from './layers.js';

type Activation = 'none' | 'relu' | 'relu6' | 'hardswish';

/** What the weights of a layer do not tell. */
type Step = {stride: 1 | 2; activation: Activation};

const step = (stride: 1 | 2, activation: Activation): Step => ({stride, activation});
const repeat = (count: number, stride: 1 | 2, activation: Activation): Step[] =>
  Array.from({length: count}, (_, index) => step(index === 0 ? stride : 1, activation));

const NETWORKS: Readonly<Record<string, readonly Step[]>> = {
  // MobileNetV2, table 2: repeats and strides.
  mobilenet_v2: [
    step(2, 'relu6'),
    ...repeat(1, 1, 'relu6'),
    ...repeat(2, 2, 'relu6'),
    ...repeat(3, 2, 'relu6'),
    ...repeat(4, 2, 'relu6'),
    ...repeat(3, 1, 'relu6'),
    ...repeat(3, 2, 'relu6'),
    ...repeat(1, 1, 'relu6'),
    step(1, 'relu6'),
  ],
  // MobileNetV3, table 1: strides and non-linearities.
  mobilenet_v3_large: [
    step(2, 'hardswish'),
    ...repeat(1, 1, 'relu'),
    ...repeat(2, 2, 'relu'),
    ...repeat(3, 2, 'relu'),
    ...repeat(4, 2, 'hardswish'),
    ...repeat(2, 1, 'hardswish'),
    ...repeat(3, 2, 'hardswish'),
    step(1, 'hardswish'),
  ],
};

/**
 * The feature maps of the stages `returned` (0..5) of a MobileNet, finest first. Stages end at the first layer, at the
 * layers with a stride, and at the last one (torchvision detection/backbone_utils.py, _mobilenet_extractor).
 */
export function addMobileNet(
  layers: Layers,
  images: Name,
  {name, returned, eps}: {name: string; returned: readonly number[]; eps: number},
): Name[] {
  const network = NETWORKS[name]!;
  const halving = [...network.keys()].filter((index) => index > 0 && network[index]!.stride === 2);
  const ends = [0, ...halving, network.length - 1];
  const wanted = returned.map((stage) => ends[stage]!);
  const maps: Name[] = [];
  let x = images;
  for (const [index, {stride, activation}] of network.entries()) {
    if (index > wanted.at(-1)!) break;
    const layer = `backbone.body.${index}`;
    x = layers.graph.within(`layer${index}`, () => {
      if (layers.has(`${layer}.0.weight`))
        return addUnit(layers, x, `${layer}.0`, `${layer}.1`, {stride, activation, eps});
      return addInvertedResidual(layers, x, layer, {stride, activation, eps});
    });
    if (wanted.includes(index)) maps.push(x);
  }
  return maps;
}

type UnitOptions = Step & {eps: number};

/** A convolution, its norm and an activation. */
function addUnit(layers: Layers, x: Name, conv: string, norm: string, {stride, activation, eps}: UnitOptions): Name {
  const isDepthwise = layers.shape(`${conv}.weight`)[1] === 1;
  const out = layers.conv(x, conv, {stride, grouped: isDepthwise, norm, eps});
  return addActivation(layers, out, activation);
}

function addActivation({graph}: Layers, x: Name, activation: Activation): Name {
  switch (activation) {
    case 'none':
      return x;
    case 'relu':
      return graph.node('Relu', [x]);
    case 'relu6':
      return graph.node('Clip', [x, graph.scalar('float32', 0), graph.scalar('float32', 6)]);
    case 'hardswish':
      return graph.node('Mul', [x, hardSigmoid({graph}, x)]);
  }
}

/** relu6(x + 3) / 6, as in PyTorch; ONNX's default slope is 0.2. */
function hardSigmoid({graph}: Pick<Layers, 'graph'>, x: Name): Name {
  return graph.node('HardSigmoid', [x], {alpha: {float: 1 / 6}, beta: {float: 0.5}});
}

/**
 * Its units: 1 × 1 to more channels if there are more, depthwise with the stride, in V3 squeeze and excitation for
 * some, and 1 × 1 to the result without an activation.
 */
function addInvertedResidual(layers: Layers, x: Name, layer: string, {stride, activation, eps}: UnitOptions): Name {
  const parts = ['conv', 'block'].find((part) => layers.has(`${layer}.${part}.0.0.weight`));
  if (parts === undefined) {
    throw new MaskRcnnError('STATE_DICT_MISMATCH', `The weights lack the layer ${layer}, which their network has.`);
  }
  const unit = (index: number) => `${layer}.${parts}.${index}`;
  let out = x;
  let index = 0;
  for (; layers.has(`${unit(index)}.0.weight`) || layers.has(`${unit(index)}.fc1.weight`); index++) {
    if (layers.has(`${unit(index)}.fc1.weight`)) {
      out = addSqueezeExcitation(layers, out, unit(index));
      continue;
    }
    const isDepthwise = layers.shape(`${unit(index)}.0.weight`)[1] === 1;
    // In V3 the last unit is like the others; in V2 it is a plain convolution and its norm.
    const isLast =
      parts === 'block' && !layers.has(`${unit(index + 1)}.0.weight`) && !layers.has(`${unit(index + 1)}.fc1.weight`);
    out = addUnit(layers, out, `${unit(index)}.0`, `${unit(index)}.1`, {
      stride: isDepthwise ? stride : 1,
      activation: isLast ? 'none' : activation,
      eps,
    });
  }
  if (parts === 'conv') out = addUnit(layers, out, unit(index), unit(index + 1), {stride: 1, activation: 'none', eps});
  const channelsIn =
    layers.shape(`${unit(0)}.0.weight`)[1] === 1
      ? layers.shape(`${unit(0)}.0.weight`)[0]
      : layers.shape(`${unit(0)}.0.weight`)[1];
  const last = parts === 'conv' ? unit(index) : `${unit(index - 1)}.0`;
  const hasShortcut = stride === 1 && channelsIn === layers.shape(`${last}.weight`)[0];
  return hasShortcut ? layers.graph.node('Add', [out, x]) : out;
}

function addSqueezeExcitation(layers: Layers, x: Name, name: string): Name {
  const {graph} = layers;
  const mean = graph.node('GlobalAveragePool', [x]);
  const gate = layers.conv(layers.relu(layers.conv(mean, `${name}.fc1`)), `${name}.fc2`);
  return graph.node('Mul', [x, hardSigmoid(layers, gate)]);
}
