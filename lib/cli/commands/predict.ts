import {join} from 'node:path';
import {MaskRcnnError} from '../../basics/errors.js';
import {either, integer, listOf, number, oneOf, text} from '../../basics/schema.js';
import {count} from '../../basics/wording.js';
import {describeNotices, type FileNotice} from '../../image/notices.js';
import {readImage} from '../../image/read-image.js';
import {maskRcnn} from '../../model/create.js';
import {type Views, viewsRule} from '../../model/predict.js';
import type {Command} from '../command.js';
import {DEVICE_HELP, DEVICE_OPTIONS, deviceOptions} from '../device-options.js';
import {listImages} from '../image-files.js';
import {FORMATS, type Format, PredictionWriter} from '../prediction-writer.js';

const format = oneOf(...FORMATS);

export const predict: Command = {
  name: 'predict',
  summary: 'Find the objects in images: pictures, JSON, COCO results, label masks',
  help: () => `Usage: maskrcnn predict WEIGHTS IMAGE|FOLDER|PATTERN ... [OPTIONS]

WEIGHTS is a file saved by training, or COCO_V1, which is torchvision's network for everyday objects.

  --score-threshold N keep only objects with a score above this, 0..1 (default 0.5)
  --save LIST         what to write, from ${FORMATS.join(',')} (default overlay,json):
                      overlay: NAME.png, the image with the objects drawn on it
                      json: NAME.json, the objects with class, score, box and mask
                      coco: results.json, and images.json with the ids of the images
                      labels: NAME_labels.png, 16 bits, with a number for each object and 0 for the background
  --output DIR        folder to write to (default runs/predict)
  --max-detections N  keep at most this many objects per image
  --views N           test-time augmentation: average over 1, 2 or 4 mirrored views of each image (default 1)
${DEVICE_HELP}

NAME is the name of the image. If another image already has files of that name, it is NAME-2, NAME-3, ... Input images
are never overwritten. An image that cannot be read is reported and skipped, and the command exits with code 1.

  maskrcnn predict runs/train/best.safetensors scans/ --score-threshold 0.7
  maskrcnn predict COCO_V1 'photos/*.jpg' --save overlay,coco --output found`,
  options: {
    scoreThreshold: number({min: 0, max: 1}),
    save: either(format, listOf(format, {min: 1})),
    output: text,
    maxDetections: integer({min: 1}),
    views: viewsRule,
    ...DEVICE_OPTIONS,
  },
  takes: {min: 2, max: Infinity, expected: 'WEIGHTS and at least one image'},
  async run(options, positionals, {out, progress, signal}) {
    const {scoreThreshold = 0.5, maxDetections, views = 1, save = ['overlay', 'json']} = options;
    const output = (options.output as string | undefined) ?? join('runs', 'predict');
    const [weights, ...inputs] = positionals as [string, ...string[]];
    const writer = await PredictionWriter.plan(output, [save].flat() as Format[], await listImages(inputs));
    await using network = await maskRcnn({...deviceOptions(options), weights, signal});
    await writer.open();
    const {images} = writer;
    const failed: MaskRcnnError[] = [];
    const notices: FileNotice[] = [];
    for (const [index, image] of images.entries()) {
      progress.update({label: 'Predicting', done: index, total: images.length, unit: 'count'});
      try {
        const pixels = await readImage(image.file);
        notices.push(...(pixels.notices ?? []));
        const [found] = await network.predict(pixels, {
          scoreThreshold: scoreThreshold as number,
          views: views as Views,
          ...(maxDetections !== undefined && {maxDetections: maxDetections as number}),
          signal,
        });
        await writer.add(image, pixels, found!);
        out(`${image.file}: ${count(found!.scores.length, 'object')}`);
      } catch (error) {
        if (!(error instanceof MaskRcnnError && error.code === 'INVALID_IMAGE')) throw error;
        progress.say(`error: ${error.message}`);
        failed.push(error);
      }
    }
    progress.close();
    await writer.close();
    for (const notice of describeNotices(notices)) progress.say(`Warning: ${notice}`);
    out(`Everything is in ${output}.`);
    if (failed.length === 0) return;
    throw new MaskRcnnError('INVALID_IMAGE', `${count(failed.length, 'image')} of ${images.length} could not be read.`);
  },
};
