import {mkdir, writeFile} from 'node:fs/promises';
import {basename, extname, join} from 'node:path';
import {
  type Dataset,
  type Detections,
  describeEvaluation,
  drawSideBySide,
  evaluate,
  type MaskRcnn,
  type Sample,
  type Views,
} from 'maskrcnn';

/**
 * Scores `model` on `data`, prints the scores as a table, and writes one picture per image to `folder` with the image,
 * the ground truth and the detections. Returns the scores in a form that can be saved as JSON.
 */
export async function judge(
  model: MaskRcnn,
  data: Dataset,
  {folder, scoreThreshold, views = 1}: {folder: string; scoreThreshold: number; views?: Views},
) {
  await mkdir(folder, {recursive: true});
  const draw = async ({file, image, instances}: Sample, detections: Detections) => {
    const name = `${basename(file, extname(file))}.png`;
    await writeFile(join(folder, name), await drawSideBySide(image, instances, detections));
  };
  // Draws while the next images are processed.
  let drawn: Promise<unknown> = Promise.resolve();
  const onDetections = (sample: Sample, detections: Detections) => {
    drawn = Promise.all([drawn, draw(sample, detections)]);
    drawn.catch(() => {}); // reported below
  };
  const {details: _, ...scores} = await evaluate(model, {data, scoreThreshold, views, onDetections});
  await drawn;
  console.log(`
Images that were not trained on: ${data.length} (detections with a score above ${scoreThreshold})

${describeEvaluation(scores)}`);
  return {scoreThreshold, views, ...scores};
}
