/**
 * torchvision's fine-tuning tutorial in Node: pedestrians of the Penn-Fudan database, with the tutorial's optimizer,
 * learning rates and two epochs.
 *
 *   npx tsx examples/penn-fudan.ts PennFudanPed
 *
 * The folder contains `PNGImages/NAME.png` and `PedMasks/NAME_mask.png`. Any other data set with this layout works too.
 */
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {type BackboneName, MaskFolder, type ModelOptions, maskRcnn, train} from 'maskrcnn';
import {misuse, readArguments, readCount, run} from './command-line.js';
import {judge} from './held-out.js';

const usage = `npx tsx examples/penn-fudan.ts DIR [options]

  --weights FILE|NAME start from a whole pretrained network (default COCO_V1, downloaded once, 170 MB)
  --weights-backbone FILE|NAME
                      start from a pretrained backbone instead
  --backbone NAME     default resnet50, or what --weights has
  --epochs N          default 2
  --held-out N        images to judge by (default 50)
  --min-size N        length that the shorter side is scaled to, in pixels (default 800)
  --device NAME       auto, cpu, cuda or cuda:1 (default auto)
  --output DIR        default runs/penn-fudan`;

await run(async () => {
  const {values, positionals} = readArguments(usage, {
    allowPositionals: true,
    options: {
      weights: {type: 'string'},
      'weights-backbone': {type: 'string'},
      backbone: {type: 'string'},
      epochs: {type: 'string', default: '2'},
      'held-out': {type: 'string', default: '50'},
      'min-size': {type: 'string', default: '800'},
      device: {type: 'string', default: 'auto'},
      output: {type: 'string', default: join('runs', 'penn-fudan')},
    },
  });
  const [folder, ...rest] = positionals;
  if (folder === undefined || rest.length > 0) misuse(usage, `One folder is needed, got ${positionals.length}.`);
  const {output, backbone, 'weights-backbone': weightsBackbone} = values;

  const all = await MaskFolder.open(folder, {classes: ['pedestrian']});
  const heldOut = readCount(usage, 'held-out', values['held-out']);
  if (heldOut >= all.length) misuse(usage, `--held-out must leave some of the ${all.length} images, got ${heldOut}.`);
  const {training, validation: test} = all.split(heldOut / all.length);

  await using model = await maskRcnn({
    ...(backbone && {backbone: backbone as BackboneName}),
    ...(weightsBackbone ? {weightsBackbone} : {weights: values.weights ?? 'COCO_V1'}),
    classes: training.classes,
    device: values.device as NonNullable<ModelOptions['device']>,
    minSize: readCount(usage, 'min-size', values['min-size']),
    onNotice: (notice) => console.log(notice),
  });
  await train(model, {
    data: training,
    epochs: readCount(usage, 'epochs', values.epochs),
    batchSize: 2,
    optimizer: 'sgd',
    lr: 0.005,
    schedule: {type: 'step', every: 3, gamma: 0.1},
    augment: 'hflip',
    output,
  });

  const scores = await judge(model, test, {folder: join(output, 'overlays'), scoreThreshold: 0.7});
  await writeFile(join(output, 'scores.json'), `${JSON.stringify(scores, null, 2)}\n`);
  console.log(`\nOverlays, loss curve and weights are in ${output}.`);
});
