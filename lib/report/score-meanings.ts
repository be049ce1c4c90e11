/** The areas of COCO's three sizes of objects. */
const SIZES = {Small: 'of less than 32² pixels', Medium: 'of 32² to 96² pixels', Large: 'of more than 96² pixels'};

const COCO: Record<string, string> = {
  ap: 'area under precision over recall, averaged over the IoU thresholds 0.5 to 0.95 and the classes',
  ap50: 'AP if an IoU of 0.5 is a match',
  ap75: 'AP if an IoU of 0.75 is a match',
  ar1: 'recall with at most 1 detection per image and class, averaged as AP is',
  ar10: 'recall with at most 10 detections per image and class, averaged as AP is',
  ar100: 'recall with at most 100 detections per image and class, averaged as AP is',
  ...Object.fromEntries(
    Object.entries(SIZES).flatMap(([size, area]) => [
      [`ap${size}`, `AP of objects ${area}`],
      [`ar${size}`, `AR100 of objects ${area}`],
    ]),
  ),
};

const IMAGES = 'number of images';
const EMPTY_IMAGES = 'number of images without objects';
const TRUE_OBJECTS = 'number of annotated objects';

/**
 * What each score says, by its group in `Evaluation` and its name, as a sentence without its capital and its full stop.
 * The text tables, the report and its gallery all take their words from here.
 */
const MEANINGS: Record<string, Record<string, string>> = {
  bbox: COCO,
  segm: COCO,
  pixel: {
    iou: 'pixels that are foreground in prediction and truth, divided by those that are foreground in either',
    f1: 'harmonic mean of precision and recall of the pixels, which equals the Dice coefficient',
    precision: 'fraction of the predicted foreground that is true',
    recall: 'fraction of the true foreground that is predicted',
    images: IMAGES,
    emptyImages: EMPTY_IMAGES,
  },
  objects: {
    f1: 'harmonic mean of precision and recall of the objects',
    precision: 'true positives divided by predicted objects',
    recall: 'true positives divided by true objects',
    dice: 'overlap of each object with its partner in truth or prediction (Dice coefficient), weighted by area',
    hausdorff: 'largest distance between an object and its partner in pixels, weighted by area; 0 is best',
    truth: `${TRUE_OBJECTS}, without those that others cover completely`,
    predicted: 'number of detections above the score threshold, without the dropped ones',
    truePositives: 'predicted objects that cover half or more of the true object they overlap most, which counts once',
    dropped: 'detections that are no predicted objects, because better ones cover more than half of them',
    images: IMAGES,
    emptyImages: EMPTY_IMAGES,
    falseAlarmsPerEmptyImage: 'mean number of predicted objects on an image without objects',
  },
  nuclei: {
    aji: 'overlaps of all pairs of objects divided by their unions, with unpaired objects in the unions',
    pq: 'panoptic quality, which is SQ times DQ',
    sq: 'mean IoU of the pairs with an IoU above 0.5',
    dq: 'F1 of the objects, where a pair with an IoU above 0.5 is a match',
    images: IMAGES,
  },
  counts: {
    truth: TRUE_OBJECTS,
    predicted: 'number of detections above the score threshold, as predict() returns them, dropped ones included',
    meanError: 'detections minus true objects, as a mean over all images; above 0, too many are found',
    meanAbsoluteError: 'the same difference without its sign, as a mean over all images',
    images: IMAGES,
    error: 'detections above the score threshold, dropped ones included, minus annotated objects',
  },
};

/** How the scores of images become one, by the member of a summary. */
const WAYS: Record<string, (name: string) => string> = {
  mean: (name) => `mean over the images with objects${name === 'precision' ? ' on which something is predicted' : ''}`,
  pooled: () => 'of all images together',
};

/**
 * A sentence on the score at this path in an `Evaluation`, such as ['pixel', 'mean', 'iou']; undefined if there is
 * none, as for a score of another version.
 */
export function meaningOf(path: readonly string[]): string | undefined {
  const [group, name] = [path[0] ?? '', path.at(-1) ?? ''];
  const meanings = Object.hasOwn(MEANINGS, group) ? MEANINGS[group]! : {};
  if (!Object.hasOwn(meanings, name)) return undefined;
  const middle = path.slice(1, -1);
  const ways = middle.map((way) => (Object.hasOwn(WAYS, way) ? `; ${WAYS[way]!(name)}` : ''));
  const sentence = [meanings[name]!, ...ways].join('');
  return `${sentence[0]!.toUpperCase()}${sentence.slice(1)}.`;
}
