import type {ResolvedModelOptions} from '../model/options.js';
import type {Name} from './graph.js';
import {BATCH_NORM_EPS, type Layers} from './layers.js';
import {addMobileNet} from './mobilenet.js';
import {addResNet} from './resnet.js';

/** The levels of the feature pyramid, finest first, and last the max-pooled one. Each is [1,C,H,W]. */
export function addBackbone(layers: Layers, images: Name, options: ResolvedModelOptions): Name[] {
  const {backbone: name, returnedLayers: returned} = options;
  const eps = options.backboneNorm === 'frozen' ? options.frozenBatchNormEps : BATCH_NORM_EPS;
  const {graph} = layers;
  const maps = graph.within('body', () =>
    name.startsWith('mobilenet')
      ? addMobileNet(layers, images, {name, returned, eps})
      : addResNet(layers, images, returned, eps),
  );
  return graph.within('fpn', () => addFeaturePyramid(layers, maps));
}

/** The strides of the levels, in pixels. */
export function strides({backbone, returnedLayers}: ResolvedModelOptions): number[] {
  // A ResNet's stage 1 has stride 4. A MobileNet's stage 0 has stride 2, and its last stage the stride of the one
  // before.
  const ofStage = (stage: number) => (backbone.startsWith('mobilenet') ? 2 << Math.min(stage, 4) : 2 << stage);
  const all = returnedLayers.map(ofStage);
  return [...all, 2 * all.at(-1)!];
}

/** torchvision ops/feature_pyramid_network.py, with LastLevelMaxPool. */
function addFeaturePyramid(layers: Layers, maps: readonly Name[]): Name[] {
  const {graph} = layers;
  const block = (x: Name, blocks: string, level: number) => {
    const name = `backbone.fpn.${blocks}.${level}`;
    return layers.conv(x, `${name}.0`, {norm: layers.has(`${name}.1.weight`) ? `${name}.1` : undefined});
  };
  const levels: Name[] = [];
  let inner: Name | undefined;
  for (let level = maps.length - 1; level >= 0; level--) {
    const lateral = block(maps[level]!, 'inner_blocks', level);
    if (inner === undefined) {
      inner = lateral;
    } else {
      // ONNX's defaults would take other pixels than torch.
      const larger: Name = graph.resize(inner, graph.node('Shape', [lateral]), {
        mode: 'nearest',
        coordinate_transformation_mode: 'asymmetric',
        nearest_mode: 'floor',
      });
      inner = graph.node('Add', [lateral, larger]);
    }
    levels.unshift(block(inner, 'layer_blocks', level));
  }
  return [...levels, graph.node('MaxPool', [levels.at(-1)!], {kernel_shape: [1, 1], strides: [2, 2]})];
}
