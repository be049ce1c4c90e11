import type {Name} from './graph.js';
import type {Layers} from './layers.js';

/** The feature maps of the stages `returned` (1..4) of a ResNet, finest first. The weights tell which blocks it has. */
export function addResNet(layers: Layers, images: Name, returned: readonly number[], eps: number): Name[] {
  const {graph} = layers;
  const body = 'backbone.body';
  let x = layers.relu(layers.conv(images, `${body}.conv1`, {stride: 2, norm: `${body}.bn1`, eps}));
  x = graph.node('MaxPool', [x], {kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1]});
  const maps: Name[] = [];
  for (let stage = 1; stage <= returned.at(-1)!; stage++) {
    for (let index = 0; layers.has(`${body}.layer${stage}.${index}.conv1.weight`); index++) {
      const block = `${body}.layer${stage}.${index}`;
      const stride = stage > 1 && index === 0 ? 2 : 1;
      x = graph.within(`layer${stage}.${index}`, () => addBlock(layers, x, block, stride, eps));
    }
    if (returned.includes(stage)) maps.push(x);
  }
  return maps;
}

/** A bottleneck of three convolutions, whose second has the stride, or a basic block of two, whose first has it. */
function addBlock(layers: Layers, x: Name, block: string, stride: number, eps: number): Name {
  const conv = (from: Name, index: number, step: number) =>
    layers.conv(from, `${block}.conv${index}`, {stride: step, grouped: index === 2, norm: `${block}.bn${index}`, eps});
  const isBottleneck = layers.has(`${block}.conv3.weight`);
  let out = layers.relu(conv(x, 1, isBottleneck ? 1 : stride));
  out = conv(out, 2, isBottleneck ? stride : 1);
  if (isBottleneck) out = conv(layers.relu(out), 3, 1);
  const shortcut = layers.has(`${block}.downsample.0.weight`)
    ? layers.conv(x, `${block}.downsample.0`, {stride, norm: `${block}.downsample.1`, eps})
    : x;
  return layers.relu(layers.graph.node('Add', [out, shortcut]));
}
