import type {BackboneName} from '../../binding.js';
import {cocoCategories} from './coco-categories.js';

/** The address of torchvision's files. A mirror has them under the same names. */
export const torchvisionModels = 'https://download.pytorch.org/models/';

export type RegisteredWeights = {
  /** torchvision's full name, such as 'ResNet50_Weights.IMAGENET1K_V2'. */
  name: string;
  kind: 'detector' | 'backbone';
  backbone: BackboneName;
  /** Version of a detector: 1 is torchvision's `_fpn`, 2 is `_fpn_v2`. */
  version?: 1 | 2;
  /** Whether a detector has a mask head: that of Mask R-CNN has, that of Faster R-CNN has not. */
  masks?: Masks;
  file: string;
  /** The first digits of the file's SHA-256, which torchvision puts into the file name. */
  sha256: string;
  /** Class names, starting with label 1. */
  classes?: readonly string[];
  /**
   * The eps of frozen batch norm with which the weights were trained, if it is not the default (torchvision's
   * `overwrite_eps`).
   */
  frozenBatchNormEps?: number;
  /** The default of `rpnScoreThresh` with these weights, if it is not 0 (torchvision's `defaults`). */
  rpnScoreThresh?: number;
};

type Masks = 'instance' | 'none';

/**
 * torchvision's weights of classifiers: backbone, name of the enum, file of IMAGENET1K_V1, and file of IMAGENET1K_V2 if
 * there is one. The last file is torchvision's DEFAULT.
 */
const classifiers: readonly [BackboneName, string, ...string[]][] = [
  ['resnet18', 'ResNet18_Weights', 'resnet18-f37072fd.pth'],
  ['resnet34', 'ResNet34_Weights', 'resnet34-b627a593.pth'],
  ['resnet50', 'ResNet50_Weights', 'resnet50-0676ba61.pth', 'resnet50-11ad3fa6.pth'],
  ['resnet101', 'ResNet101_Weights', 'resnet101-63fe2227.pth', 'resnet101-cd907fc2.pth'],
  ['resnet152', 'ResNet152_Weights', 'resnet152-394f9c45.pth', 'resnet152-f82ba261.pth'],
  ['resnext50_32x4d', 'ResNeXt50_32X4D_Weights', 'resnext50_32x4d-7cdf4587.pth', 'resnext50_32x4d-1a0047aa.pth'],
  ['resnext101_32x8d', 'ResNeXt101_32X8D_Weights', 'resnext101_32x8d-8ba56ff5.pth', 'resnext101_32x8d-110c445d.pth'],
  ['resnext101_64x4d', 'ResNeXt101_64X4D_Weights', 'resnext101_64x4d-173b62eb.pth'],
  ['wide_resnet50_2', 'Wide_ResNet50_2_Weights', 'wide_resnet50_2-95faca4d.pth', 'wide_resnet50_2-9ba9bcbe.pth'],
  ['wide_resnet101_2', 'Wide_ResNet101_2_Weights', 'wide_resnet101_2-32ee1156.pth', 'wide_resnet101_2-d733dc28.pth'],
  ['mobilenet_v2', 'MobileNet_V2_Weights', 'mobilenet_v2-b0353104.pth', 'mobilenet_v2-7ebf99e0.pth'],
  [
    'mobilenet_v3_large',
    'MobileNet_V3_Large_Weights',
    'mobilenet_v3_large-8738ca79.pth',
    'mobilenet_v3_large-5c1a4163.pth',
  ],
];

const cocoClasses = cocoCategories.slice(1);

/**
 * The registered weights, from torchvision 0.29's `models/detection/mask_rcnn.py` and `faster_rcnn.py`,
 * `models/resnet.py`, `models/mobilenetv2.py` and `mobilenetv3.py`.
 */
export const registry: readonly RegisteredWeights[] = [
  {
    name: 'MaskRCNN_ResNet50_FPN_Weights.COCO_V1',
    kind: 'detector',
    backbone: 'resnet50',
    version: 1,
    masks: 'instance',
    ...fileAndHash('maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth'),
    classes: cocoClasses,
    frozenBatchNormEps: 0,
  },
  {
    name: 'MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1',
    kind: 'detector',
    backbone: 'resnet50',
    version: 2,
    masks: 'instance',
    ...fileAndHash('maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth'),
    classes: cocoClasses,
  },
  {
    name: 'FasterRCNN_ResNet50_FPN_Weights.COCO_V1',
    kind: 'detector',
    backbone: 'resnet50',
    version: 1,
    masks: 'none',
    ...fileAndHash('fasterrcnn_resnet50_fpn_coco-258fb6c6.pth'),
    classes: cocoClasses,
    frozenBatchNormEps: 0,
  },
  {
    name: 'FasterRCNN_ResNet50_FPN_V2_Weights.COCO_V1',
    kind: 'detector',
    backbone: 'resnet50',
    version: 2,
    masks: 'none',
    ...fileAndHash('fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth'),
    classes: cocoClasses,
  },
  {
    name: 'FasterRCNN_MobileNet_V3_Large_FPN_Weights.COCO_V1',
    kind: 'detector',
    backbone: 'mobilenet_v3_large',
    version: 1,
    masks: 'none',
    ...fileAndHash('fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth'),
    classes: cocoClasses,
    rpnScoreThresh: 0.05,
  },
  ...classifiers.flatMap(([backbone, weights, ...files]) =>
    files.map(
      (file, i): RegisteredWeights => ({
        name: `${weights}.IMAGENET1K_V${i + 1}`,
        kind: 'backbone',
        backbone,
        ...fileAndHash(file),
      }),
    ),
  ),
];

/** What the name of weights depends on. `masks` is 'instance' by default. */
export type RegisteredModel = {
  kind: RegisteredWeights['kind'];
  backbone: BackboneName;
  version: 1 | 2;
  masks?: Masks | undefined;
};

/**
 * Finds the weights that `name` means for a model. It is a short name ('COCO_V1', 'IMAGENET1K_V2'), a full name
 * ('ResNet50_Weights.IMAGENET1K_V2'), or 'DEFAULT', which is torchvision's best. Undefined if there are no weights with
 * this name.
 */
export function findRegistered(name: string, model: RegisteredModel): RegisteredWeights | undefined {
  const candidates = registeredFor(model);
  const short = name.slice(name.indexOf('.') + 1);
  if (short === 'DEFAULT') {
    return candidates.findLast(
      (weights) => name === short || weights.name.startsWith(name.slice(0, name.indexOf('.') + 1)),
    );
  }
  return candidates.find((weights) => weights.name === name || weights.name.endsWith(`.${name}`));
}

export function registeredFor({kind, backbone, version, masks = 'instance'}: RegisteredModel): RegisteredWeights[] {
  return registry.filter(
    (weights) =>
      weights.kind === kind &&
      weights.backbone === backbone &&
      (kind === 'backbone' || (weights.version === version && weights.masks === masks)),
  );
}

/** Splits a file of torchvision, whose name ends with the first digits of its SHA-256. */
function fileAndHash(file: string): {file: string; sha256: string} {
  return {file, sha256: /-([0-9a-f]+)\.pth$/.exec(file)![1]!};
}
