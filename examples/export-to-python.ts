/**
 * Exports trained weights to Python: writes `weights.pth`, and `load.py`, which builds the same network with
 * torchvision and loads the weights.
 *
 *   npx tsx examples/export-to-python.ts runs/demo/best.safetensors
 *   python3 runs/export/load.py photo.png
 */
import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {maskRcnn, type ResolvedModelOptions} from 'maskrcnn';
import {misuse, readArguments, run} from './command-line.js';

const usage = `npx tsx examples/export-to-python.ts WEIGHTS [options]

  WEIGHTS         a file that train() saved, or COCO_V1
  --output DIR    default runs/export`;

/** Arguments of torchvision's `MaskRCNN` that are numbers or lists of numbers, by their names in this package. */
const PLAIN = [
  ...['maxSize', 'imageMean', 'imageStd', 'rpnPreNmsTopNTrain', 'rpnPreNmsTopNTest', 'rpnPostNmsTopNTrain'],
  ...[
    'rpnPostNmsTopNTest',
    'rpnNmsThresh',
    'rpnFgIouThresh',
    'rpnBgIouThresh',
    'rpnBatchSizePerImage',
    'rpnPositiveFraction',
  ],
  ...['rpnScoreThresh', 'boxScoreThresh', 'boxNmsThresh', 'boxDetectionsPerImg', 'boxFgIouThresh', 'boxBgIouThresh'],
  ...['boxBatchSizePerImage', 'boxPositiveFraction'],
] as const satisfies readonly (keyof ResolvedModelOptions)[];

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
const tuple = (values: readonly unknown[]): string =>
  `(${values.map((value) => (Array.isArray(value) ? tuple(value) : String(value))).join(', ')},)`;

/** The Python program that loads the weights. It builds the network with the same options. */
function program(classes: readonly string[], options: ResolvedModelOptions): string {
  const {backbone, backboneNorm, returnedLayers, anchorSizes, anchorAspectRatios, minSize} = options;
  const {fpnChannels, boxRepresentationSize, maskChannels} = options;
  const make = backbone.startsWith('mobilenet') ? 'mobilenet_backbone' : 'resnet_fpn_backbone';
  const norm = backboneNorm === 'frozen' ? 'FrozenBatchNorm2d' : 'BatchNorm2d';
  const plain = PLAIN.map((name) => {
    const value = options[name];
    return `    ${snakeCase(name)}=${Array.isArray(value) ? `[${value.join(', ')}]` : value},`;
  });
  return `import sys

import torch
from torch.nn import BatchNorm2d
from torchvision.io import ImageReadMode, read_image
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import mobilenet_backbone, resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops import FeaturePyramidNetwork, FrozenBatchNorm2d
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

CLASSES = ${JSON.stringify(['background', ...classes])}

backbone = ${make}(
    backbone_name="${backbone}",
    weights=None,
    norm_layer=${norm},
    returned_layers=[${returnedLayers.join(', ')}],${make === 'mobilenet_backbone' ? '\n    fpn=True,' : ''}
)
inputs = [block[0].in_channels for block in backbone.fpn.inner_blocks]
backbone.fpn = FeaturePyramidNetwork(inputs, ${fpnChannels}, LastLevelMaxPool())
backbone.out_channels = ${fpnChannels}
model = MaskRCNN(
    backbone,
    box_head=TwoMLPHead(${fpnChannels} * 7 * 7, ${boxRepresentationSize}),
    box_predictor=FastRCNNPredictor(${boxRepresentationSize}, len(CLASSES)),
    mask_head=MaskRCNNHeads(${fpnChannels}, (${maskChannels},) * 4, 1),
    mask_predictor=MaskRCNNPredictor(${maskChannels}, ${maskChannels}, len(CLASSES)),
    min_size=${tuple(minSize)},
    rpn_anchor_generator=AnchorGenerator(
        ${tuple(anchorSizes)},
        ${tuple(anchorAspectRatios)},
    ),
${plain.join('\n')}
)
for module in model.modules():
    if isinstance(module, FrozenBatchNorm2d):
        module.eps = ${options.frozenBatchNormEps}
model.load_state_dict(torch.load(f"{sys.path[0]}/weights.pth", weights_only=True), strict=True)
model.eval()

for path in sys.argv[1:]:
    with torch.no_grad():
        found = model([read_image(path, ImageReadMode.RGB) / 255])[0]
    for label, score, box in zip(found["labels"], found["scores"], found["boxes"]):
        print(path, CLASSES[label], f"{score:.4f}", [round(value, 1) for value in box.tolist()])
`;
}

await run(async () => {
  const {values, positionals} = readArguments(usage, {
    allowPositionals: true,
    options: {output: {type: 'string', default: join('runs', 'export')}},
  });
  const [weights, ...rest] = positionals;
  if (weights === undefined || rest.length > 0)
    misuse(usage, `One file of weights is needed, got ${positionals.length}.`);

  await using model = await maskRcnn({weights, device: 'cpu'});
  if (model.options.version !== 1) misuse(usage, 'Version 2 is built by torchvision’s own maskrcnn_resnet50_fpn_v2().');
  await mkdir(values.output, {recursive: true});
  await model.save(join(values.output, 'weights.pth'));
  const script = join(values.output, 'load.py');
  await writeFile(script, program(model.classes, model.options));
  console.log(`python3 ${script} IMAGE ...`);
});
