import {pixelsOf, type Rle} from '../masks/rle.js';
import {type LabelMap, predictedLabels} from './label-map.js';
import {areasOf, overlapsOf} from './overlaps.js';
import {pixelScores} from './pixel-scores.js';
import {type DetectionScores, detectionScores, type ObjectTally, truePositives} from './true-positives.js';

/** The scores of an image if only its best detections count. `iou` is that of the pixels. */
export type RankedScores = DetectionScores & ObjectTally & {iou: number | null};

/**
 * The scores of an image at every score threshold: item k has those of the best k detections. `masks` are ordered by
 * descending score. They equal the scores of `evaluate()` at a threshold that k detections exceed. One pass is enough,
 * because worse detections change neither the pixels nor the true positives of better ones.
 */
export function scoresByRank(masks: readonly Rle[], truth: LabelMap): RankedScores[] {
  const {width, height} = truth;
  const map = predictedLabels(masks, width, height);
  const [areas, trueAreas] = [areasOf(map), areasOf(truth)];
  const hits = truePositives(overlapsOf(map, truth), trueAreas);
  const tally = {
    truth: trueAreas.filter((area, label) => label > 0 && area > 0).length,
    predicted: 0,
    truePositives: 0,
    dropped: 0,
  };
  const pixels = {both: 0, predictedOnly: 0, trueOnly: width * height - trueAreas[0]!};
  const isForeground = new Uint8Array(width * height);
  const scores = () => ({...detectionScores(tally), ...tally, iou: pixelScores(pixels).iou});
  return [
    scores(),
    ...masks.map((mask, index) => {
      const label = index + 1;
      if ((areas[label] ?? 0) === 0) tally.dropped++;
      else tally.predicted++;
      if (hits.has(label)) tally.truePositives++;
      for (const at of pixelsOf(mask)) {
        if (isForeground[at]) continue;
        isForeground[at] = 1;
        if (truth.labels[at] === 0) {
          pixels.predictedOnly++;
        } else {
          pixels.both++;
          pixels.trueOnly--;
        }
      }
      return scores();
    }),
  ];
}
