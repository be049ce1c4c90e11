import {mkdir, writeFile} from 'node:fs/promises';
import {basename, extname, join} from 'node:path';
import {type Dataset, drawSideBySide, evaluate, type MaskRcnn, type Sample} from 'maskrcnn';

/** What was found on images that were not trained on. */
type Counts = {
  /** Objects that are there. */
  true: number;
  /** Those of them that a detection of their own covers: the two masks' intersection over union is above 0.5. */
  found: number;
  /** Detections in all. */
  detections: number;
};

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
  const {pixel} = await evaluate(model, {data, scoreThreshold});
  const objects: Counts = {true: 0, found: 0, detections: 0};
  for (let index = 0; index < data.length; index++) {
    const sample = await data.get(index);
    const [detections] = await model.predict(sample.image, {scoreThreshold, maskFormat: 'bitmap'});
    const {masks} = detections!;
    objects.true += sample.instances.length;
    objects.found += countFound(sample, masks);
    objects.detections += masks.length;
    const name = `${basename(sample.file, extname(sample.file))}.png`;
    await writeFile(join(folder, name), await drawSideBySide(sample.image, sample.instances, detections!));
  }

  const row = (title: string, {iou, f1, precision, recall}: typeof pixel.mean) =>
    [title.padEnd(24), ...[iou, f1, precision, recall].map((score) => score.toFixed(3).padStart(10))].join('');
  console.log(`
${data.length} images that were not trained on   (detections with a score above ${scoreThreshold})

${['pixels'.padEnd(24), ...['IoU', 'F1', 'precision', 'recall'].map((title) => title.padStart(10))].join('')}
${row('mean over the images', pixel.mean)}
${row('all images together', pixel.pooled)}

${data.classes.join(', ')}: ${objects.found} of ${objects.true} found (IoU > 0.5), by ${objects.detections} detections`);
  return {images: data.length, scoreThreshold, pixel, objects};
}

/** Pairs off true objects and detections whose masks overlap enough. Above 0.5, hardly any has a choice of partners. */
function countFound({image, instances}: Sample, masks: readonly Uint8Array[]): number {
  const areas = masks.map((mask) => mask.reduce((sum, pixel) => sum + pixel, 0));
  const taken = new Set<number>();
  for (const {mask} of instances) {
    const pixels: number[] = [];
    mask.data.forEach((inside, index) => {
      const y = mask.top + Math.floor(index / mask.width);
      if (inside) pixels.push(y * image.width + mask.left + (index % mask.width));
    });
    const partner = masks.findIndex((detection, index) => {
      const both = pixels.reduce((sum, pixel) => sum + detection[pixel]!, 0);
      return !taken.has(index) && both / (areas[index]! + pixels.length - both) > 0.5;
    });
    if (partner !== -1) taken.add(partner);
  }
  return taken.size;
}
