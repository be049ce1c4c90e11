/**
 * Detects objects with trained weights, and writes a picture and a JSON file for each image:
 *
 *   npx tsx examples/predict.ts runs/demo/last.safetensors photo.png scan.bmp
 */
import {mkdir, writeFile} from 'node:fs/promises';
import {basename, extname, join} from 'node:path';
import {detectionsToJson, drawDetections, type ModelOptions, maskRcnn} from 'maskrcnn';
import {misuse, readArguments, run} from './command-line.js';

const usage = `npx tsx examples/predict.ts WEIGHTS IMAGE ... [options]

  WEIGHTS              a file that train() saved, or COCO_V1 (torchvision's network for everyday objects)
  --score-threshold N  leave out detections with a lower score, 0..1 (default 0.5)
  --device NAME        auto, cpu, cuda or cuda:1 (default auto)
  --output DIR         default runs/predict`;

await run(async () => {
  const {values, positionals} = readArguments(usage, {
    allowPositionals: true,
    options: {
      'score-threshold': {type: 'string', default: '0.5'},
      device: {type: 'string', default: 'auto'},
      output: {type: 'string', default: join('runs', 'predict')},
    },
  });
  const [weights, ...images] = positionals;
  if (weights === undefined || images.length === 0) misuse(usage, 'Weights and at least one image are needed.');
  await mkdir(values.output, {recursive: true});

  await using model = await maskRcnn({weights, device: values.device as NonNullable<ModelOptions['device']>});
  for (const image of images) {
    const [found] = await model.predict(image, {scoreThreshold: Number(values['score-threshold'])});
    const json = detectionsToJson(found!);
    const stem = join(values.output, basename(image, extname(image)));
    await writeFile(`${stem}.json`, `${JSON.stringify(json, null, 2)}\n`);
    // MaskFolder and `maskrcnn predict` know this name, and do not take the picture for an image.
    await writeFile(`${stem}_overlay.png`, await drawDetections(image, found!, {ids: true}));
    console.log(`${image}: ${json.objects.length} objects, see ${stem}_overlay.png`);
  }
});
