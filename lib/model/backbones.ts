import type {BackboneName} from '../../binding.js';

/** The values that the options of a backbone may have. */
export type BackboneFamily = {
  /** The largest value of `trainableBackboneLayers`. */
  maxTrainableLayers: number;
  /** The range of stages in `returnedLayers`, both ends included. */
  stages: [first: number, last: number];
  /** torchvision's default of `returnedLayers`. */
  defaultReturnedLayers: readonly number[];
};

/** torchvision `_resnet_fpn_extractor`: layer1..layer4. conv1 and bn1 are the fifth trainable layer. */
const RESNET: BackboneFamily = {maxTrainableLayers: 5, stages: [1, 4], defaultReturnedLayers: [1, 2, 3, 4]};

/** torchvision `_mobilenet_extractor`: the first convolution, the four strided blocks and the last convolution. */
const MOBILENET: BackboneFamily = {maxTrainableLayers: 6, stages: [0, 5], defaultReturnedLayers: [4, 5]};

/** The backbones that torchvision can build with an FPN, by torchvision's names. */
export const BACKBONES: Readonly<Record<BackboneName, BackboneFamily>> = {
  resnet18: RESNET,
  resnet34: RESNET,
  resnet50: RESNET,
  resnet101: RESNET,
  resnet152: RESNET,
  resnext50_32x4d: RESNET,
  resnext101_32x8d: RESNET,
  resnext101_64x4d: RESNET,
  wide_resnet50_2: RESNET,
  wide_resnet101_2: RESNET,
  mobilenet_v2: MOBILENET,
  mobilenet_v3_large: MOBILENET,
};

export const BACKBONE_NAMES = Object.keys(BACKBONES) as BackboneName[];
