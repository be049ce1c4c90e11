import type {CocoMatches, CocoScores, PrecisionRecall} from './coco-scores.js';
import type {ClassCount, CountSummary} from './count-errors.js';
import type {NucleiScores, NucleiSummary} from './nucleus-scores.js';
import type {ObjectScores, ObjectSummary} from './object-scores.js';
import type {PixelScores, PixelSummary} from './pixel-scores.js';
import type {ConfusionMatrix} from './scored-data.js';
import type {ObjectTally} from './true-positives.js';

/** The scores of a model on a data set. */
export type Evaluation = {
  /** COCO's average precision and recall of boxes. */
  bbox: CocoScores;
  /**
   * The same of masks, without the images on which only the box of an object is known. Null if no image is left, or if
   * the network makes no masks.
   */
  segm: CocoScores | null;
  /**
   * Compares the union of the predicted masks with the union of the ground-truth masks, regardless of class. Here and
   * below, the pixels of an object are those of its mask. They are those of its box, in the truth and in the
   * prediction, on images on which only the box of an object is known, and on all images if the network makes no masks.
   */
  pixel: PixelSummary;
  /**
   * Compares the predicted objects with the ground-truth objects, regardless of class. A pixel belongs to the best
   * detection that covers it. Detections that are mostly covered by better ones are dropped.
   */
  objects: ObjectSummary;
  /** The same objects, scored with the metrics that are common for nuclei. */
  nuclei: NucleiSummary;
  /** Compares the number of detections above the score threshold with the number of objects, for each class. */
  counts: CountSummary;
};

/** The scores of one image. */
export type ImageScores = {
  file: string;
  pixel: PixelScores;
  objects: ObjectScores & ObjectTally;
  nuclei: NucleiScores;
  /** The counts of each class that is on the image or detected on it. */
  counts: ClassCount[];
};

/** The data behind the scores. */
export type EvaluationDetails = {
  /** The threshold that the scores are of, except those of COCO. */
  scoreThreshold: number;
  /** The scores of each image, in the data set's order. */
  images: ImageScores[];
  /** Precision-recall curves: see `precisionRecallSvg()`. */
  curves: {bbox: PrecisionRecall; segm: PrecisionRecall | null};
  /** Which detections match, for `compareEvaluations()`. */
  matches: {bbox: CocoMatches; segm: CocoMatches | null};
  /** Matches at an IoU of at least 0.5, of masks, or of boxes if `segm` is null: see `confusionMatrixSvg()`. */
  confusion: ConfusionMatrix;
};
