import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {encode as encodePng} from 'fast-png';
import {DetectedObjects} from '../coco/object-table.js';
import {writeResults} from '../coco/results.js';
import {maskRcnn} from '../create-model.js';
import {detectionsToJson} from '../detections-json.js';
import {MaskRcnnError} from '../errors.js';
import {type RgbImage, readImage} from '../image.js';
import {predictedLabels} from '../metrics/labels.js';
import {either, integer, listOf, number, oneOf, text} from '../options-check.js';
import {type Detections, type Views, viewsRule} from '../predict.js';
import {count} from '../report/count.js';
import {drawDetections} from '../report/overlay.js';
import {requireWritableFolder, writing} from '../writing.js';
import type {Command} from './command.js';
import {DEVICE_HELP, DEVICE_OPTIONS, deviceOptions} from './device.js';
import {type ImageFile, listImages} from './image-files.js';

const FORMATS = ['overlay', 'json', 'coco', 'labels'] as const;
type Format = (typeof FORMATS)[number];

const format = oneOf(...FORMATS);

export const predict: Command = {
  name: 'predict',
  summary: 'Find the objects on images: pictures, JSON, COCO results, label masks',
  help: `Usage: maskrcnn predict WEIGHTS IMAGE|FOLDER|PATTERN ... [OPTIONS]

WEIGHTS is a file that training saved, or COCO_V1, torchvision's network for everyday objects.

  --score-threshold N only objects with a score above this, 0..1 (default 0.5)
  --save LIST         what to write, of ${FORMATS.join(',')} (default overlay,json):
                      overlay: NAME.png, the image with the objects drawn on it
                      json: NAME.json, the objects with class, score, box and mask
                      coco: results.json, and images.json with the ids of the images
                      labels: NAME_labels.png, 16 bits, each object a number, 0 the background
  --output DIR        default runs/predict
  --max-detections N  at most this many objects on an image
  --views N           look at each image in 1, 2 or 4 ways, mirrored, and average (default 1)
${DEVICE_HELP}

An image that cannot be read is told and left out; the command then ends with code 1.

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
    const images = await listImages(inputs);
    await requireWritableFolder(output);
    await using network = await maskRcnn({...deviceOptions(options), weights, signal});
    const writer = await Writer.open(output, [save].flat() as Format[]);
    const failed: MaskRcnnError[] = [];
    for (const [index, image] of images.entries()) {
      progress.update({label: 'Predicting', done: index, total: images.length, unit: 'count'});
      try {
        const pixels = await readImage(image.file);
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
    out(`Everything is in ${output}.`);
    if (failed.length === 0) return;
    throw new MaskRcnnError('INVALID_IMAGE', `${count(failed.length, 'image')} of ${images.length} could not be read.`);
  },
};

/** The files that a prediction leaves. */
class Writer {
  readonly #folder: string;
  readonly #formats: readonly Format[];
  readonly #detected = new DetectedObjects();
  readonly #images: {id: number; file_name: string; width: number; height: number}[] = [];

  private constructor(folder: string, formats: readonly Format[]) {
    this.#folder = folder;
    this.#formats = formats;
  }

  static async open(folder: string, formats: readonly Format[]): Promise<Writer> {
    await writing(folder, () => mkdir(folder, {recursive: true}));
    return new Writer(folder, formats);
  }

  async add({file, stem}: ImageFile, image: RgbImage, found: Detections): Promise<void> {
    const {width, height, masks} = found;
    const index = this.#images.length;
    this.#images.push({id: index + 1, file_name: file, width, height});
    if (this.#formats.includes('coco')) this.#detected.addDetections(index, found);
    if (this.#formats.includes('overlay')) await this.#write(`${stem}.png`, await drawDetections(image, found));
    if (this.#formats.includes('json')) await this.#write(`${stem}.json`, toJson(detectionsToJson({...found, file})));
    if (this.#formats.includes('labels')) {
      const data = Uint16Array.from(predictedLabels(masks, width, height).labels);
      await this.#write(`${stem}_labels.png`, encodePng({width, height, data, channels: 1, depth: 16}));
    }
  }

  async close(): Promise<void> {
    if (!this.#formats.includes('coco')) return;
    await this.#write('images.json', toJson(this.#images));
    const names = {imageId: (index: number) => index + 1, categoryId: (label: number) => label};
    await writeResults(join(this.#folder, 'results.json'), this.#detected, names, (index) => this.#images[index]!);
  }

  async #write(name: string, contents: string | Uint8Array): Promise<void> {
    const file = join(this.#folder, name);
    await writing(file, () => writeFile(file, contents));
  }
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
