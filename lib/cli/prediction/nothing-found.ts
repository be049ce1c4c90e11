import type {RgbImage} from '../../image/read-image.js';
import type {MaskRcnn} from '../../model/model.js';
import type {Views} from '../../model/predict-options.js';

/**
 * Says of an image without objects above `scoreThreshold` what the best score below it is. This looks at the image
 * again, because `predict()` returns nothing below its threshold. Scores up to the network's `boxScoreThresh` are never
 * returned.
 */
export async function describeNothing(
  network: MaskRcnn,
  image: RgbImage,
  {scoreThreshold, views, signal}: {scoreThreshold: number; views: Views; signal: AbortSignal},
): Promise<string> {
  const lowest = network.options.boxScoreThresh;
  const limit = 'the network gives no lower scores (boxScoreThresh)';
  if (scoreThreshold <= lowest) return `nothing above ${lowest}; ${limit}`;
  const [best] = await network.predict(image, {maxDetections: 1, maskFormat: 'none', views, signal});
  const [score] = best!.scores;
  if (score === undefined) return `nothing above ${scoreThreshold}, nor above ${lowest}; ${limit}`;
  return `nothing above ${scoreThreshold}; the best was ${below(score, scoreThreshold)} (${best!.classNames[0]})`;
}

/** `score` with two digits, or as many as it takes to be no higher than `threshold`. */
function below(score: number, threshold: number): string {
  for (let digits = 2; digits < 8; digits++) {
    const text = score.toFixed(digits);
    if (Number(text) < threshold) return text;
  }
  return String(threshold);
}
