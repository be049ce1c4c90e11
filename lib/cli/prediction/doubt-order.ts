import {MaskRcnnError} from '../../basics/errors.js';
import type {Progress} from '../../basics/progress.js';
import type {PixelOptions} from '../../image/pixel-options.js';
import {doubt} from '../../model/doubt.js';
import type {MaskRcnn} from '../../model/model.js';
import type {Views} from '../../model/predict-options.js';
import {refuseFlags} from '../flags.js';
import type {ImageFile} from './output-files.js';

/** An image and how much the network doubts what is on it. Undefined: not asked for, or it cannot be read. */
export type DoubtedImage = ImageFile & {doubt?: number};

/** What the network compares. */
export type DoubtWork = {
  network: MaskRcnn;
  reading: PixelOptions;
  /** Those of the prediction. With 1, two views are compared. */
  views: Views;
  signal: AbortSignal;
  progress: Progress;
};

/** Throws INVALID_OPTION for an order of what is cut into tiles or divided among processes. */
export function refuseOrder(
  options: Record<string, unknown>,
  {isCut, isPart}: {isCut: boolean; isPart: boolean},
): void {
  if (isCut) {
    const hint = 'Leave it out: the doubt is that of an image as a whole.';
    refuseFlags(options, ['order'], {where: 'maskrcnn predict with --tiles', hint});
  }
  if (isPart) {
    const hint = 'Leave it out: each part would have an order of its own.';
    refuseFlags(options, ['order'], {where: 'maskrcnn predict of a part of the images', hint});
  }
}

/** The images in the order of doubt, the most doubtful first. Those that cannot be read come last. */
export async function byDoubt(
  images: readonly ImageFile[],
  {network, reading, views, signal, progress}: DoubtWork,
): Promise<DoubtedImage[]> {
  const doubted: DoubtedImage[] = [];
  for (const [done, image] of images.entries()) {
    progress.update({label: 'Comparing views', done, total: images.length, unit: 'count'});
    try {
      const options = {...reading, views: views === 4 ? 4 : 2, signal} as const;
      doubted.push({...image, doubt: await doubt(network, image.file, options)});
    } catch (error) {
      // The prediction tells it, when it comes to the image.
      if (!(error instanceof MaskRcnnError && error.code === 'INVALID_IMAGE')) throw error;
      doubted.push(image);
    }
  }
  return doubted.sort((a, b) => (b.doubt ?? -1) - (a.doubt ?? -1));
}
