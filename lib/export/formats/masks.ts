import {MaskRcnnError} from '../../basics/errors.js';
import {faultOfPng, labelPng} from '../../image/label-png.js';
import {labelTiff} from '../../image/label-tiff.js';
import {stemOf} from '../annotations.js';
import {type ExportedFile, type ExportFormat, inSplit} from '../format.js';
import {paintedLabels} from '../painted-labels.js';

const SHARED = {
  holds: {classes: false, unused: true, scores: false, crowds: false, boxes: false},
  imageFolder: (split: string | undefined) => inSplit(split, 'images'),
};

/** A 16-bit PNG for each image, in which each object has its own number. */
export const masks: ExportFormat = {
  ...SHARED,
  name: 'label masks',
  key: 'masks',
  writes: 'masks/NAME.png for each image, 16 bits',
  async files(image): Promise<ExportedFile[]> {
    const {name, split, width, height, objects} = image;
    const message = faultOfPng(objects.length, name);
    if (message !== undefined) {
      throw new MaskRcnnError('INVALID_DATASET', message, {
        file: name,
        hint: "Write 'masks-tiff', which has 32 bits where they are needed.",
      });
    }
    const content = await labelPng(await paintedLabels(image), width, height);
    return [{path: inSplit(split, `masks/${stemOf(name)}.png`), content}];
  },
};

/** The same as TIFF: 16 bits, or 32 for more than 65535 objects. */
export const masksTiff: ExportFormat = {
  ...SHARED,
  name: 'label masks in TIFF',
  key: 'masks-tiff',
  writes: 'masks/NAME.tif for each image, 16 or 32 bits',
  async files(image): Promise<ExportedFile[]> {
    const {name, split, width, height} = image;
    const content = await labelTiff(await paintedLabels(image), width, height);
    return [{path: inSplit(split, `masks/${stemOf(name)}.tif`), content}];
  },
};
