import {count} from '../basics/wording.js';
import type {Dataset} from '../datasets/dataset.js';
import {describeRepeats} from '../datasets/inspection/class-balance.js';
import {labelsOfImages} from '../datasets/labels.js';
import {repeatFactors} from '../datasets/repeat-factors.js';
import {isOfFile} from './loader.js';

/** How often each image is taken per epoch, on average. Tells what is repeated. Throws errors of the data set. */
export async function repeatsOf(
  data: Dataset,
  {
    balanceThreshold: threshold,
    unreadable,
    say,
    signal,
  }: {
    balanceThreshold: number;
    unreadable: 'error' | 'skip';
    say: (text: string) => void;
    signal: AbortSignal | undefined;
  },
): Promise<Float64Array> {
  if (data.labels === undefined) say('Reading all images once for their classes: the data set has no labels().');
  const labels = await labelsOfImages(data, {mayLack: (error) => unreadable === 'skip' && isOfFile(error), signal});
  const {classes, images} = repeatFactors(labels, {classes: data.classes.length, threshold});
  const told = describeRepeats(classes, data.classes);
  const total = Math.round(images.reduce((sum, factor) => sum + factor, 0));
  say(
    told === ''
      ? `Repeat-factor sampling: each class is on at least ${threshold} of the images, so none is repeated.`
      : `Repeat-factor sampling: an epoch has about ${count(total, 'image')}. Images of these classes are repeated: ${told}.`,
  );
  return images;
}
