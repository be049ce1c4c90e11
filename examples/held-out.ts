import {mkdir, writeFile} from 'node:fs/promises';
import {basename, extname, join} from 'node:path';
import {
  type Dataset,
  type Detections,
  drawSideBySide,
  type Evaluation,
  evaluate,
  type MaskRcnn,
  type Sample,
} from 'maskrcnn';

/**
 * Scores `model` on `data`, prints the scores as a table, and writes a picture per image into `folder`: the image, the true
 * objects, the detections. Returns the scores as they can be kept in a JSON file.
 */
export async function judge(
  model: MaskRcnn,
  data: Dataset,
  {folder, scoreThreshold}: {folder: string; scoreThreshold: number},
) {
  await mkdir(folder, {recursive: true});
  const draw = async ({file, image, instances}: Sample, detections: Detections) => {
    const name = `${basename(file, extname(file))}.png`;
    await writeFile(join(folder, name), await drawSideBySide(image, instances, detections));
  };
  // Beside the detection of the next images.
  let drawn: Promise<unknown> = Promise.resolve();
  const onDetections = (sample: Sample, detections: Detections) => {
    drawn = Promise.all([drawn, draw(sample, detections)]);
    drawn.catch(() => {}); // told below
  };
  const scores = await evaluate(model, {data, scoreThreshold, onDetections});
  await drawn;
  console.log(`
${data.length} images that were not trained on   (detections with a score above ${scoreThreshold})

${table(scores)}`);
  return {scoreThreshold, ...scores};
}

/** The scores of an evaluation, one way of summing them up a line. */
function table({pixel, objects}: Evaluation): string {
  const row = (title: string, values: readonly string[]) =>
    [title.padEnd(24), ...values.map((value) => value.padStart(11))].join('');
  const scores = (...values: number[]) => values.map((value) => value.toFixed(3));
  const pixelRow = ({iou, f1, precision, recall}: typeof pixel.mean) => scores(iou, f1, precision, recall);
  const objectRow = ({f1, precision, recall, dice, hausdorff}: typeof objects.mean) => [
    ...scores(f1, precision, recall, dice),
    hausdorff.toFixed(1),
  ];
  return [
    row('pixels', ['IoU', 'F1', 'precision', 'recall']),
    row('mean over the images', pixelRow(pixel.mean)),
    row('all images together', pixelRow(pixel.pooled)),
    '',
    row(`objects (${objects.truth} true)`, ['F1', 'precision', 'recall', 'Dice', 'Hausdorff']),
    row('mean over the images', objectRow(objects.mean)),
    row('all images together', objectRow(objects.pooled)),
  ].join('\n');
}
