/**
 * Computes the COCO scores of weights, or of a results file from any program, on a data set in COCO format:
 *
 *   npx tsx examples/evaluate-coco.ts instances_val2017.json --images val2017 --weights COCO_V1
 *   npx tsx examples/evaluate-coco.ts instances_val2017.json --results results.json
 */
import {join} from 'node:path';
import {
  Coco,
  describeClasses,
  describeEvaluation,
  evaluate,
  evaluateResults,
  type ModelOptions,
  maskRcnn,
  writeEvaluation,
} from 'maskrcnn';
import {misuse, readArguments, run} from './command-line.js';

const usage = `npx tsx examples/evaluate-coco.ts ANNOTATIONS [options]

  ANNOTATIONS     an instances file of COCO's form
  --images DIR    the folder of the images (default that of the annotations)
  --weights FILE  a file that train() saved, or COCO_V1 (torchvision's network for everyday objects)
  --results FILE  score the detections in this file instead
  --device NAME   auto, cpu, cuda or cuda:1 (default auto)
  --output DIR    default runs/evaluate`;

await run(async () => {
  const {values, positionals} = readArguments(usage, {
    allowPositionals: true,
    options: {
      images: {type: 'string'},
      weights: {type: 'string'},
      results: {type: 'string'},
      device: {type: 'string', default: 'auto'},
      output: {type: 'string', default: join('runs', 'evaluate')},
    },
  });
  const [annotations, ...rest] = positionals;
  if (annotations === undefined || rest.length > 0) misuse(usage, `One file is needed, got ${positionals.length}.`);
  const {images, weights, results, output} = values;
  if ((weights === undefined) === (results === undefined)) misuse(usage, 'Either --weights or --results is needed.');

  const data = await Coco.open(annotations, {...(images && {images}), faulty: 'skip'});
  const {images: count, annotations: total, negatives, skipped} = data.stats;
  console.log(`${count} images, ${total} annotations, ${negatives} images without any`);
  for (const [reason, number] of Object.entries(skipped)) console.log(`Skipped: ${number} annotations ${reason}`);

  if (results !== undefined) {
    const {bbox, segm} = await evaluateResults({data, results});
    const scores = {bbox: bbox.scores, ...(segm && {segm: segm.scores})};
    console.log(`\n${describeEvaluation(scores)}\n\n${describeClasses((segm ?? bbox).scores)}`);
    return;
  }

  await using model = await maskRcnn({weights: weights!, device: values.device as NonNullable<ModelOptions['device']>});
  const evaluation = await evaluate(model, {
    data,
    results: join(output, 'results.json'),
    onImage: (done) => console.log(`${done} of ${count} images`),
  });
  await writeEvaluation(model, evaluation, {folder: output, data});
  console.log(`\n${describeEvaluation(evaluation)}\n\n${describeClasses(evaluation.segm ?? evaluation.bbox)}`);
  console.log(`\nDetections, curves, confusion matrix and the worst images are in ${output}.`);
});
