import type {EvaluationDetails} from '../evaluation/evaluation.js';

/** The indices of the images, sorted by ascending object F1, then by ascending pixel IoU. */
export function worstFirst(images: EvaluationDetails['images']): number[] {
  return images
    .map(({pixel, objects}, index) => ({index, f1: objects.f1, iou: pixel.iou}))
    .sort((a, b) => (a.f1 ?? 1) - (b.f1 ?? 1) || (a.iou ?? 1) - (b.iou ?? 1))
    .map(({index}) => index);
}
