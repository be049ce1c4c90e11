import {loadBinding} from '../addon/binding.js';
import {MaskRcnnError} from '../basics/errors.js';
import type {Dataset, PlacedObject, Sample} from '../datasets/dataset.js';
import {placedInstances} from '../datasets/placed-instances.js';
import {largeImageOfSample, objectsOfSample, readSample, truthOfSample} from '../datasets/read-sample.js';
import {regionsOfImage} from '../image/regions/image-regions.js';
import type {LargeImage, LevelOptions} from '../image/regions/large-image.js';

/** An image of a data set, and its objects in pixels of the full resolution. */
export type ImageParts = {image: LargeImage; objects: PlacedObject[]};

/**
 * Image `index` of a data set and its objects. A data set without `largeImage()` and `objects()` is asked for the whole
 * sample, now and each time that the image is opened. Throws INVALID_OPTION for a level that is not there, and the
 * errors of the data set.
 */
export async function readParts(data: Dataset, index: number, level: LevelOptions): Promise<ImageParts> {
  if (data.largeImage === undefined || data.objects === undefined) return readWhole(data, index, level);
  const image = await largeImageOfSample(data, index, level);
  return {image, objects: await objectsOfSample(data, index, image.full)};
}

async function readWhole(data: Dataset, index: number, level: LevelOptions): Promise<ImageParts> {
  if (level.level || level.micronsPerPixel !== undefined) {
    const name = level.level ? 'level' : 'micronsPerPixel';
    throw new MaskRcnnError(
      'INVALID_OPTION',
      `Option '${name}' of tiles() must not be given for a data set of which only whole images can be read.`,
      {hint: 'It needs largeImage() and objects().'},
    );
  }
  const sample = await readSample(data, index);
  const {width, height} = sample.image;
  const open = async () => {
    const {file, image} = await readSample(data, index);
    return regionsOfImage(image, file);
  };
  return {
    image: {file: sample.file, width, height, downsample: 1, full: {width, height}, open},
    objects: [
      ...(await placedInstances(sample.instances, await loadBinding())),
      ...(await crowdsOf(data, index, sample)),
    ],
  };
}

/** The crowds, of which samples do not tell. */
async function crowdsOf(data: Dataset, index: number, {image}: Sample): Promise<PlacedObject[]> {
  if (data.truth === undefined) return [];
  const truth = await truthOfSample(data, index);
  return truth.flatMap(({label, box: [left, top, width, height], crowd, mask: rle}): PlacedObject[] => {
    const [x1, y1] = [Math.min(image.width, left + width), Math.min(image.height, top + height)];
    if (!crowd || x1 <= left || y1 <= top) return [];
    return [{label, box: [left, top, x1, y1], crowd, ...(rle && {mask: {left: 0, top: 0, rle}})}];
  });
}
