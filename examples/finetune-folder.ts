/**
 * Fine-tunes Mask R-CNN on a folder of images and masks: checks the data, trains, scores the held-out images, and
 * writes a report to open in a browser.
 *
 *   npx tsx examples/finetune-folder.ts cells --classes cell
 *
 * `docs/own-images.md` describes the layout of the folder.
 */
import {join} from 'node:path';
import {
  describeEvaluation,
  describeInspection,
  evaluate,
  inspect,
  MaskFolder,
  type ModelOptions,
  maskRcnn,
  train,
  writeReport,
} from 'maskrcnn';
import {misuse, readArguments, readCount, run} from './command-line.js';

const usage = `npx tsx examples/finetune-folder.ts DIR [options]

  --classes NAME      what the masks show (default object)
  --weights FILE|NAME the network to start from (default COCO_V1, downloaded once, 170 MB)
  --epochs N          default 20
  --device NAME       auto, cpu, cuda or cuda:1 (default auto)
  --output DIR        default runs/finetune-folder`;

await run(async () => {
  const {values, positionals} = readArguments(usage, {
    allowPositionals: true,
    options: {
      classes: {type: 'string', default: 'object'},
      weights: {type: 'string', default: 'COCO_V1'},
      epochs: {type: 'string', default: '20'},
      device: {type: 'string', default: 'auto'},
      output: {type: 'string', default: join('runs', 'finetune-folder')},
    },
  });
  const [folder, ...rest] = positionals;
  if (folder === undefined || rest.length > 0) misuse(usage, `One folder is needed, got ${positionals.length}.`);
  const {output} = values;
  const device = values.device as NonNullable<ModelOptions['device']>;

  const all = await MaskFolder.open(folder, {classes: [values.classes]});
  console.log(describeInspection(await inspect(all)));
  const {training, validation} = all.split(0.2, {seed: 1});

  await using model = await maskRcnn({
    weights: values.weights,
    classes: all.classes,
    device,
    onNotice: (notice) => console.log(notice),
  });
  const {best} = await train(model, {
    data: training,
    validation,
    epochs: readCount(usage, 'epochs', values.epochs),
    augment: 'flips',
    output,
  });

  // `model` has the weights of the last epoch. The best weights are in a file.
  await using chosen = await maskRcnn({weights: best, device});
  console.log(describeEvaluation(await evaluate(chosen, {data: validation})));
  const report = await writeReport(output, {model: chosen, data: validation, weights: best});
  console.log(`\nWeights: ${best}\nReport: ${report}`);
});
